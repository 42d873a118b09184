use nalgrad::gradient;

#[gradient]
mod costs {
    pub fn square(x: f64) -> f64 {
        x * x
    }
}

fn main() {}
