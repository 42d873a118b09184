use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y = 'done: {
        if x > 2.0 {
            return x;
        }
        if x > 0.0 {
            break 'done x * x;
        }
        -x
    };
    y.sin()
}

fn main() {}
