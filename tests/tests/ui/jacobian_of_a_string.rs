use nalgrad::jacobian;

#[jacobian]
fn shown(x: f64) -> String {
    format!("{x}")
}

fn main() {}
