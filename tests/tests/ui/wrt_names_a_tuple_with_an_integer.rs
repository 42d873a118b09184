use nalgrad::gradient;

#[gradient(wrt(p))]
fn f(p: (f64, usize)) -> f64 {
    p.0.powi(p.1 as i32)
}

fn main() {}
