use nalgrad::gradient;

#[gradient]
enum Shape {
    Round,
    Square,
}

fn main() {}
