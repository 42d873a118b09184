use nalgrad::gradient;

#[gradient]
fn cost(x: f64, factor: Option<f64>) -> f64 {
    let y = {
        let Some(scale) = factor else {
            return x;
        };
        scale * x
    };
    y.sin()
}

fn main() {}
