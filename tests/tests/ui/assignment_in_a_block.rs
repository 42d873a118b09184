use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y = {
        let mut inner = x;
        inner = inner * x;
        inner
    };
    y.exp()
}

fn main() {}
