//! Newton's method with the gradient and the Hessian that `#[hessian]` writes: `cargo run --release --example newton`.
//!
//! Logistic regression of the question that was put on the eve of the Challenger's last flight: how does the risk that
//! a seal of the boosters fails depend on the temperature? The data are the 23 flights before it, of S. Dalal, E. Fowlkes
//! and B. Hoadley, "Risk Analysis of the Space Shuttle", Journal of the American Statistical Association 84 (1989).

use nalgebra::{DVector, MatrixXx2, Vector2};
use nalgrad::hessian;

/// Minus the logarithm of the likelihood: Σ ln(1 + exp zᵢ) − yᵢ zᵢ with z = X w, a flight a row of `x`.
///
/// With the risk of each flight pᵢ = 1 / (1 + exp(−zᵢ)):
///
/// ```text
/// gradient  Xᵀ (p − y)        Hessian  Xᵀ diag(p (1 − p)) X
/// ```
#[hessian(wrt(w))]
fn loss(w: &Vector2<f64>, x: &MatrixXx2<f64>, y: &DVector<f64>) -> f64 {
    let z = x * w;
    z.map(|z| z.exp().ln_1p()).sum() - z.dot(y)
}

fn main() {
    let x = MatrixXx2::from_fn(FLIGHTS.len(), |i, j| [1.0, FLIGHTS[i].0][j]);
    let y = DVector::from_fn(FLIGHTS.len(), |i, _| FLIGHTS[i].1);

    println!(
        "f(w) = Σ ln(1 + exp zᵢ) − yᵢ zᵢ,  z = X w,  over {} flights\n",
        y.len()
    );
    println!("step        f(w)     |gradient|");
    let (mut w, mut step) = (Vector2::zeros(), 0);
    let covariance = loop {
        let (value, gradient, hessian) = loss_value_gradient_and_hessian(&w, &x, &y);
        println!("{step:>4} {value:>11.8} {:>14.1e}", gradient.norm());
        let factor = hessian.cholesky().expect("the loss is convex");
        if gradient.norm() < 1e-12 * value {
            break factor.inverse();
        }
        // A step that goes too far is halved.
        let mut change = factor.solve(&gradient);
        while loss(&(w - change), &x, &y) > (1.0 + 1e-12) * value {
            change *= 0.5;
        }
        w -= change;
        step += 1;
        assert!(step < 20, "Newton's method converges");
    };
    println!("\n              estimate  standard error   published");
    for (k, (name, published)) in [
        ("constant", "15.0429 (7.3786)"),
        ("per °F", "-0.2322 (0.1082)"),
    ]
    .into_iter()
    .enumerate()
    {
        let error = covariance[(k, k)].sqrt();
        println!("  {name:<10} {:>9.4} {error:>15.4}   {published}", w[k]);
        assert_eq!(format!("{:.4} ({error:.4})", w[k]), published);
    }
    println!();
    for temperature in [80.0, 65.0, 31.0] {
        let risk = 1.0 / (1.0 + (-w.dot(&Vector2::new(1.0, temperature))).exp());
        let bar = "█".repeat((40.0 * risk).round() as usize);
        println!(
            "  damage at {temperature} °F: {:>5.1} %  {bar}",
            100.0 * risk
        );
    }
    println!("\nThe Challenger was launched at 31 °F.");
}

/// The temperature in degrees Fahrenheit, and whether a seal was damaged.
#[rustfmt::skip]
const FLIGHTS: [(f64, f64); 23] = [
    (66.0, 0.0), (70.0, 1.0), (69.0, 0.0), (68.0, 0.0), (67.0, 0.0), (72.0, 0.0), (73.0, 0.0), (70.0, 0.0),
    (57.0, 1.0), (63.0, 1.0), (70.0, 1.0), (78.0, 0.0), (67.0, 0.0), (53.0, 1.0), (67.0, 0.0), (75.0, 0.0),
    (70.0, 0.0), (81.0, 0.0), (76.0, 0.0), (79.0, 0.0), (75.0, 1.0), (76.0, 0.0), (58.0, 1.0),
];
