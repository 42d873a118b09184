use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let y = x.map(|v| {
        let mut s = v;
        for _ in 0..3 {
            s = s.sin();
        }
        s
    });
    y.sum()
}

fn main() {}
