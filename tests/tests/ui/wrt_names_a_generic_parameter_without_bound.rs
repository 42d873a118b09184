use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost<T>(x: T, scale: f64) -> f64
where
    f64: From<T>,
{
    scale * f64::from(x)
}

fn main() {}
