use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let Some(root) = Some(x.sqrt()) else {
        return 0.0;
    };
    root
}

fn main() {}
