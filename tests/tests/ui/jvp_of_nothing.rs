use nalgrad::jvp;

#[jvp]
fn shows(x: f64) {
    println!("{x}");
}

fn main() {}
