use nalgrad::gradient;

struct Point {
    x: f64,
}

#[gradient]
impl Point {
    fn square(&self) -> f64 {
        self.x * self.x
    }
}

fn main() {}
