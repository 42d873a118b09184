use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y = {
        fn half() -> f64 {
            0.5
        }
        x * half()
    };
    y * y
}

fn main() {}
