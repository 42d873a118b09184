//! The functions with their inputs, ready to run.

use std::hint::black_box;

use nalgebra::{DMatrix, DVector, Dim, Matrix, Matrix3, RawStorage, RowDVector, SMatrix, SVector};

use crate::{by_dual_numbers, by_hand, digits, functions};

/// Calls something so many times.
pub type Run = Box<dyn Fn(usize)>;

/// What the macro wrote, and what an expert did.
pub struct Pair {
    /// What the attribute wrote.
    pub generated: Run,
    /// What an expert wrote.
    pub by_hand: Run,
}

/// A function on one input, and its derivatives.
pub struct Case {
    /// Says what and how large.
    pub name: &'static str,
    /// The function itself.
    pub value: Run,
    /// Its gradient, Jacobian or Hessian.
    pub gradient: Pair,
    /// Its value and that; with a Hessian the gradient too.
    pub value_and_gradient: Pair,
    /// The same with num-dual, for a few small ones.
    pub by_dual_numbers: Option<Run>,
}

pub(crate) fn run<R>(call: impl Fn() -> R + 'static) -> Run {
    Box::new(move |times| {
        for _ in 0..times {
            black_box(call());
        }
    })
}

/// Builds a `Case` after asserting that all its gradients agree. Every call reads its arguments anew.
macro_rules! case {
    ($name:literal, $module:ident::{$value:ident, $gradient:ident, $both:ident}($($input:expr),*)) => {{
        let value = move || $module::$value($(black_box($input)),*);
        let generated = move || $module::$gradient($(black_box($input)),*);
        let both_generated = move || $module::$both($(black_box($input)),*);
        let hand = move || by_hand::$gradient($(black_box($input)),*);
        let both_by_hand = move || by_hand::$both($(black_box($input)),*);
        let expected = both_by_hand();
        assert_agree($name, "by hand, without the value", &hand(), &expected.1);
        assert_agree($name, "gradient", &generated(), &expected.1);
        assert_agree($name, "value and gradient", &both_generated(), &expected);
        assert!(value() == both_generated().0, "{}: not the function's own value", $name);
        Case {
            name: $name,
            value: run(value),
            gradient: Pair { generated: run(generated), by_hand: run(hand) },
            value_and_gradient: Pair { generated: run(both_generated), by_hand: run(both_by_hand) },
            by_dual_numbers: None,
        }
    }};
}

/// Checked like the others.
pub(crate) fn dual<D: Entries, H: Entries>(
    by_dual_numbers: impl Fn() -> D + 'static,
    by_hand: H,
) -> Option<Run> {
    assert_agree(
        "num-dual",
        "value and derivative",
        &by_dual_numbers(),
        &by_hand,
    );
    Some(run(by_dual_numbers))
}

/// What builds a case, which checks its derivatives, under the name of its function.
pub type Named<T> = (&'static str, fn() -> T);

/// The functions of the benchmark by name, in the order of the table.
pub fn cases() -> Vec<Named<Case>> {
    vec![
        ("neuron_small", neuron_small),
        ("neuron", neuron),
        ("least_squares_small", least_squares_small),
        ("least_squares", least_squares),
        ("logistic", logistic),
        ("network", network),
        ("log_determinant", log_determinant),
        ("rosenbrock_small", rosenbrock_small),
        ("rosenbrock", rosenbrock),
        ("gmm_small", gmm_small),
        ("gmm", gmm),
        ("lstm", lstm),
    ]
}

fn neuron_small() -> Case {
    let (w, b, x, y) = neuron_inputs(100, 4);
    Case {
        by_dual_numbers: dual(
            move || by_dual_numbers::neuron(black_box(w), b, black_box(x), black_box(y)),
            by_hand::neuron_value_and_gradient(w, b, x, y),
        ),
        ..case!("neuron, 100 × 4", functions::{neuron, neuron_gradient, neuron_value_and_gradient}(w, b, x, y))
    }
}

fn neuron() -> Case {
    let (w, b, x, y) = neuron_inputs(1000, 50);
    case!("neuron, 1000 × 50", functions::{neuron, neuron_gradient, neuron_value_and_gradient}(w, b, x, y))
}

fn least_squares_small() -> Case {
    let mut random = Random::new();
    let a = keep(SMatrix::from_fn(|_, _| random.next()));
    let x = keep(SVector::from_fn(|_, _| random.next()));
    let b = keep(SVector::from_fn(|_, _| random.next()));
    Case {
        by_dual_numbers: dual(
            move || by_dual_numbers::least_squares_static(black_box(a), black_box(x), black_box(b)),
            by_hand::least_squares_static_value_and_gradient(a, x, b),
        ),
        ..case!(
            "‖Ax − b‖², 6 × 3 static",
            functions::{
                least_squares_static, least_squares_static_gradient, least_squares_static_value_and_gradient
            }(a, x, b)
        )
    }
}

fn least_squares() -> Case {
    let mut random = Random::new();
    let (a, x, b) = (
        keep(random.matrix(1000, 50)),
        keep(random.vector(50)),
        keep(random.vector(1000)),
    );
    case!(
        "‖Ax − b‖², 1000 × 50",
        functions::{least_squares, least_squares_gradient, least_squares_value_and_gradient}(a, x, b)
    )
}

fn logistic() -> Case {
    let mut random = Random::new();
    let (w, x) = (keep(random.vector(50)), keep(random.matrix(2000, 50)));
    let y = keep(random.vector(2000).map(f64::signum));
    case!("logistic loss, 2000 × 50", functions::{logistic, logistic_gradient, logistic_value_and_gradient}(w, x, y))
}

fn network() -> Case {
    let mut random = Random::new();
    let (w1, b1) = (keep(random.matrix(32, 64) * 0.2), keep(random.vector(32)));
    let (w2, b2) = (keep(random.matrix(10, 32) * 0.2), keep(random.vector(10)));
    let pixels = keep(random.matrix(64, 64).abs());
    let labels = keep(DMatrix::from_fn(10, 64, |i, j| {
        if i == j * 7 % 10 { 1.0 } else { 0.0 }
    }));
    let ones = keep(RowDVector::repeat(64, 1.0));
    case!(
        "network 64-32-10, batch of 64",
        digits::{loss, loss_gradient, loss_value_and_gradient}(w1, b1, w2, b2, pixels, labels, ones)
    )
}

fn log_determinant() -> Case {
    let x = keep(Matrix3::new(2.0, 0.3, -0.2, 0.1, 1.5, 0.4, -0.3, 0.2, 1.2));
    Case {
        by_dual_numbers: dual(
            move || by_dual_numbers::log_determinant(black_box(x)),
            by_hand::log_determinant_value_and_gradient(x),
        ),
        ..case!(
            "ln det X, 3 × 3 static",
            functions::{log_determinant, log_determinant_gradient, log_determinant_value_and_gradient}(x)
        )
    }
}

fn rosenbrock_small() -> Case {
    let mut random = Random::new();
    let x = keep(SVector::from_fn(|_, _| random.next()));
    Case {
        by_dual_numbers: dual(
            move || by_dual_numbers::rosenbrock_static(black_box(x)),
            by_hand::rosenbrock_static_value_and_gradient(x),
        ),
        ..case!(
            "Rosenbrock, 10 static",
            functions::{rosenbrock_static, rosenbrock_static_gradient, rosenbrock_static_value_and_gradient}(x)
        )
    }
}

fn rosenbrock() -> Case {
    let x = keep(Random::new().vector(1000));
    case!("Rosenbrock, 1000", functions::{rosenbrock, rosenbrock_gradient, rosenbrock_value_and_gradient}(x))
}

fn gmm_small() -> Case {
    let file = include_str!("../examples/data/adbench/gmm_d2_K5.txt");
    let (alphas, means, factors, x, prior) = keep(crate::gmm::read(file));
    case!(
        "mixture of 5 normals, 1000 × 2",
        functions::{gmm, gmm_gradient, gmm_value_and_gradient}(alphas, means, factors, x, *prior)
    )
}

fn gmm() -> Case {
    let mut random = Random::new();
    let (alphas, means) = (keep(random.vector(25)), keep(random.matrix(10, 25)));
    let (factors, x) = (keep(random.matrix(55, 25)), keep(random.matrix(10, 1000)));
    case!(
        "mixture of 25 normals, 1000 × 10",
        functions::{gmm, gmm_gradient, gmm_value_and_gradient}(alphas, means, factors, x, (1.0, 0.0))
    )
}

fn lstm() -> Case {
    let file = include_str!("../examples/data/adbench/lstm_l2_c1024.txt");
    let [main, extra, state, sequence] = keep(crate::lstm::read(file));
    case!(
        "LSTM, 2 layers of 14, 1024 steps",
        functions::{lstm, lstm_gradient, lstm_value_and_gradient}(main, extra, state, sequence)
    )
}

type NeuronInputs = (
    &'static DVector<f64>,
    f64,
    &'static DMatrix<f64>,
    &'static DVector<f64>,
);

fn neuron_inputs(samples: usize, weights: usize) -> NeuronInputs {
    let mut random = Random::new();
    (
        keep(random.vector(weights)),
        0.1,
        keep(random.matrix(samples, weights)),
        keep(random.vector(samples)),
    )
}

/// An input lives as long as the program, so that closures can share it.
pub(crate) fn keep<T>(input: T) -> &'static T {
    Box::leak(Box::new(input))
}

/// Marsaglia's xorshift, from -1 to 1.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub(crate) fn matrix(&mut self, rows: usize, columns: usize) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| self.next())
    }

    pub(crate) fn vector(&mut self, length: usize) -> DVector<f64> {
        DVector::from_fn(length, |_, _| self.next())
    }
}

/// Derivatives of any type, entry by entry.
pub(crate) trait Entries {
    fn entries(&self) -> Vec<f64>;
}

impl Entries for f64 {
    fn entries(&self) -> Vec<f64> {
        vec![*self]
    }
}

impl<R: Dim, C: Dim, S: RawStorage<f64, R, C>> Entries for Matrix<f64, R, C, S> {
    fn entries(&self) -> Vec<f64> {
        self.iter().copied().collect()
    }
}

impl<A: Entries, B: Entries> Entries for (A, B) {
    fn entries(&self) -> Vec<f64> {
        [self.0.entries(), self.1.entries()].concat()
    }
}

impl<A: Entries, B: Entries, C: Entries> Entries for (A, B, C) {
    fn entries(&self) -> Vec<f64> {
        [self.0.entries(), self.1.entries(), self.2.entries()].concat()
    }
}

impl<A: Entries, B: Entries, C: Entries, D: Entries> Entries for (A, B, C, D) {
    fn entries(&self) -> Vec<f64> {
        [
            self.0.entries(),
            self.1.entries(),
            self.2.entries(),
            self.3.entries(),
        ]
        .concat()
    }
}

/// To 1e-10 of the largest entry.
pub(crate) fn assert_agree(name: &str, what: &str, found: &impl Entries, expected: &impl Entries) {
    let (found, expected) = (found.entries(), expected.entries());
    assert_eq!(
        found.len(),
        expected.len(),
        "{name}: {what} has another size"
    );
    let largest = expected
        .iter()
        .fold(1.0, |largest: f64, entry| largest.max(entry.abs()));
    for (found, expected) in found.iter().zip(&expected) {
        assert!(
            (found - expected).abs() <= 1e-10 * largest,
            "{name}: {what} is {found} and not {expected}"
        );
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_and_hand_written_gradients_agree() {
        for (_, case) in super::cases() {
            case();
        }
    }
}
