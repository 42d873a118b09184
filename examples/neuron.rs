//! The neuron of "The Matrix Calculus You Need For Deep Learning" (Parr and Howard, arXiv 1802.01528), taught by gradient
//! descent how much timber a tree gives: `cargo run --release --example neuron`.
//!
//! The data are the 31 black cherry trees of Ryan, Joiner and Ryan, "The Minitab Student Handbook", 1976.

use nalgebra::{DMatrix, DVector};
use nalgrad::gradient;

/// Mean squared error of one rectified linear unit: (1/N) Σ (yᵢ − max(0, w·xᵢ + b))², a sample a row of `x`.
///
/// The paper's gradient, with eᵢ = w·xᵢ + b − yᵢ where w·xᵢ + b > 0, else 0:
///
/// ```text
/// ∂C/∂w = (2/N) Σ eᵢ xᵢᵀ        ∂C/∂b = (2/N) Σ eᵢ
/// ```
#[gradient(wrt(w, b))]
fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let activation = (x * w).add_scalar(b).map(|z| z.max(0.0));
    (y - activation).norm_squared() / y.len() as f64
}

// What `cargo expand` shows for it, beside the formula: `z_bar` is (2/N) eᵢ, the activation's case and the error in one
// pass over the samples, and the two sums are a product and a sum.
//
//     fn cost_gradient(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> (DVector<f64>, f64) {
//         let n = y.len() as f64;
//         let mut z_bar = x * w;
//         z_bar.zip_apply(y, |entry, y| {
//             let s = *entry + b;
//             *entry = if s > 0.0 { -2.0 / n * (y - s) } else { 0.0 };
//         });
//         (x.tr_mul(&z_bar), ::nalgrad::__private::sum(&z_bar))
//     }
//
// Before that stand two lines that make sure that `DVector` and `DMatrix` are nalgebra's.

fn main() {
    let y = DVector::from_iterator(TREES.len(), TREES.iter().map(|tree| tree[2]));
    let mut x = DMatrix::from_fn(TREES.len(), 2, |i, j| TREES[i][j]);
    for mut column in x.column_iter_mut() {
        let (mean, deviation) = (column.mean(), column.variance().sqrt());
        column.apply(|value| *value = (*value - mean) / deviation);
    }

    println!("C(w, b) = (1/N) Σ (yᵢ − max(0, w·xᵢ + b))²");
    println!(
        "∂C/∂w = (2/N) Σ eᵢ xᵢᵀ,  ∂C/∂b = (2/N) Σ eᵢ,  eᵢ = w·xᵢ + b − yᵢ where w·xᵢ + b > 0, else 0\n"
    );
    println!("step      cost  |∂C/∂w|    ∂C/∂b");
    let (mut w, mut b) = (DVector::zeros(2), 1.0);
    let mut last = f64::INFINITY;
    for step in 0..=30 {
        let (cost, (dw, db)) = cost_value_and_gradient(&w, b, &x, &y);
        assert!(cost < last, "the cost falls at every step");
        last = cost;
        if step % 5 == 0 {
            println!("{step:>4} {cost:>9.4} {:>8.4} {db:>8.4}", dw.norm());
        }
        w.axpy(-0.2, &dw, 1.0);
        b -= 0.2 * db;
    }
    println!(
        "\ntimber = max(0, {b:.2} + {:.2} girth + {:.2} height) cubic feet,",
        w[0], w[1]
    );
    println!(
        "girth and height in standard deviations from the mean; off by {:.2} on the whole",
        cost(&w, b, &x, &y).sqrt()
    );
}

/// Girth in inches, height in feet, timber in cubic feet.
#[rustfmt::skip]
const TREES: [[f64; 3]; 31] = [
    [8.3, 70.0, 10.3], [8.6, 65.0, 10.3], [8.8, 63.0, 10.2], [10.5, 72.0, 16.4], [10.7, 81.0, 18.8], [10.8, 83.0, 19.7],
    [11.0, 66.0, 15.6], [11.0, 75.0, 18.2], [11.1, 80.0, 22.6], [11.2, 75.0, 19.9], [11.3, 79.0, 24.2], [11.4, 76.0, 21.0],
    [11.4, 76.0, 21.4], [11.7, 69.0, 21.3], [12.0, 75.0, 19.1], [12.9, 74.0, 22.2], [12.9, 85.0, 33.8], [13.3, 86.0, 27.4],
    [13.7, 71.0, 25.7], [13.8, 64.0, 24.9], [14.0, 78.0, 34.5], [14.2, 80.0, 31.7], [14.5, 74.0, 36.3], [16.0, 72.0, 38.3],
    [16.3, 77.0, 42.6], [17.3, 81.0, 55.4], [17.5, 82.0, 55.7], [17.9, 80.0, 58.3], [18.0, 80.0, 51.5], [18.0, 80.0, 51.0],
    [20.6, 87.0, 77.0],
];
