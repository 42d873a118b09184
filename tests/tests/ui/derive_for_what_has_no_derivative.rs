use nalgrad::Differentiable;

#[derive(Differentiable)]
enum Shape {
    Circle(f64),
    Square(f64),
}

#[derive(Differentiable)]
struct Counted {
    value: f64,
    count: usize,
    name: &'static str,
}

#[derive(Differentiable)]
struct Empty {
    #[inert]
    count: usize,
}

#[derive(Differentiable)]
struct Arguments {
    #[inert(always)]
    count: usize,
    value: f64,
}

#[derive(Differentiable)]
#[nalgrad(path = nalgrad)]
struct Elsewhere {
    value: f64,
}

fn main() {}
