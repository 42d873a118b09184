//! Fits a curve by the method of Levenberg and Marquardt, with the Jacobian that `#[jacobian]` writes:
//! `cargo run --release --example curve_fitting`.
//!
//! How onions grow: `data/rat43.csv`, one of the sets by which NIST tests programs that fit curves, of the highest level
//! of difficulty. NIST certifies eleven digits of the coefficients; here they are found again, from the farther of its
//! two starts.

use nalgebra::{Matrix4, SMatrix, SVector, Vector4};
use nalgrad::jacobian;

/// By how much a growth curve misses the weights `y` at the times `t`.
#[jacobian(wrt(b))]
fn residuals(b: &Vector4<f64>, t: &SVector<f64, 15>, y: &SVector<f64, 15>) -> SVector<f64, 15> {
    t.zip_map(y, |t, y| {
        b[0] / (1.0 + (b[1] - b[2] * t).exp()).powf(1.0 / b[3]) - y
    })
}

const START: Vector4<f64> = Vector4::new(100.0, 10.0, 1.0, 1.0);
/// The coefficients, and the sum of squares that they leave.
const CERTIFIED: [f64; 5] = [
    6.9964151270e2,
    5.2771253025,
    7.5962938329e-1,
    1.2792483859,
    8.7864049080e3,
];

fn main() {
    let cells = include_str!("data/rat43.csv").trim().split([',', '\n']);
    let data =
        SMatrix::<f64, 2, 15>::from_iterator(cells.map(|cell| cell.parse().expect("a number")));
    let (t, y) = (data.row(0).transpose(), data.row(1).transpose());

    println!("y = b₁ / (1 + exp(b₂ − b₃ t)) ^ (1 / b₄)\n");
    println!("trial  damping  sum of squares         b₁         b₂         b₃         b₄");
    let (mut b, mut damping) = (START, 1e-3);
    let (mut r, mut j) = residuals_value_and_jacobian(&b, &t, &y);
    for trial in 1.. {
        // (JᵀJ + λ diag JᵀJ) δ = −Jᵀr
        let mut normal: Matrix4<f64> = j.transpose() * j;
        normal.set_diagonal(&(normal.diagonal() * (1.0 + damping)));
        let step = normal
            .cholesky()
            .expect("columns are independent")
            .solve(&-(j.transpose() * r));
        let squares = residuals(&(b + step), &t, &y).norm_squared();
        // Close to the solution only rounding is left of the difference.
        let better = squares < (1.0 + 1e-12) * r.norm_squared();
        print!("{trial:>5} {damping:>8.0e} {squares:>15.6}");
        if better {
            b += step;
            (r, j) = residuals_value_and_jacobian(&b, &t, &y);
            println!(
                " {:>10.5} {:>10.6} {:>10.7} {:>10.7}",
                b[0], b[1], b[2], b[3]
            );
        } else {
            println!("  is worse: more damping");
        }
        damping *= if better { 0.1 } else { 10.0 };
        if step.component_div(&b).amax() < 1e-10 {
            break;
        }
        assert!(trial < 100, "the fit converges");
    }

    println!("\n                 found          certified  digits that agree");
    let found = [b[0], b[1], b[2], b[3], r.norm_squared()];
    for (name, (found, certified)) in ["b₁", "b₂", "b₃", "b₄", "Σr²"]
        .iter()
        .zip(found.iter().zip(CERTIFIED))
    {
        let digits = -(found / certified - 1.0).abs().log10();
        println!(
            "  {name:<3} {found:>17.10e} {certified:>18.10e} {:>7.1}",
            digits.min(11.0)
        );
        assert!(digits > 9.0, "{name} is not the certified value");
    }

    println!("\nWeight over time, the curve as bars and the measurements as dots:");
    for (t, (y, r)) in t.iter().zip(y.iter().zip(&r)) {
        let at = |y: f64| (y / 12.0).round() as usize;
        let mut line: Vec<char> = "─".repeat(at(y + r)).chars().collect();
        line.resize(line.len().max(at(*y) + 1), ' ');
        line[at(*y)] = '●';
        println!("{t:>4} {}", line.iter().collect::<String>());
    }
}
