use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut sum = 0.0;
    for i in 0..10 {
        sum += x.powi(i);
    }
    sum
}

fn main() {}
