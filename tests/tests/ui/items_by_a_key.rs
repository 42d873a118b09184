use nalgrad::gradient;

#[derive(PartialEq, PartialOrd, Clone, Copy)]
struct Ordered(f64);

impl Eq for Ordered {}

#[allow(clippy::derive_ord_xor_partial_ord)]
impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[gradient]
fn largest(x: &[f64]) -> f64 {
    *x.iter().max_by_key(|v| Ordered(**v)).unwrap()
}

#[gradient]
fn of_results(x: &[f64]) -> f64 {
    let sum = x
        .iter()
        .try_fold(0.0, |sum, v| if *v > 0.0 { Ok(sum + v) } else { Err(()) });
    sum.unwrap_or(1.0)
}

#[gradient]
fn left(x: &[f64]) -> Option<f64> {
    let sum = x.iter().try_fold(0.0, |sum, v| {
        if *v > 0.0 {
            return Some(sum + v);
        }
        None
    })?;
    Some(sum)
}

fn main() {}
