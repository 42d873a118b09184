use nalgrad::gradient;

#[gradient]
fn cost(x: f64, n: i32) -> f64 {
    let mut power = n;
    let raised = move |y: f64| y.powi(power);
    power += 1;
    raised(x) + f64::from(power)
}

fn main() {}
