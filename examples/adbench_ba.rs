//! Bundle adjustment, one of the four objectives of ADBench: the sparse Jacobian of what a camera sees, from blocks that
//! `#[jacobian]` writes: `cargo run --release --example adbench_ba`.

use std::time::Instant;

use nalgebra::{SVector, Vector2, Vector3};
use nalgrad::jacobian;

/// By how much a camera's picture of the point `x` misses the feature that was measured. A camera is a rotation vector,
/// a centre, a focal length, a principal point and two coefficients of a radial distortion.
#[jacobian(wrt(cam, x, w))]
pub fn reproj(
    cam: &SVector<f64, 11>,
    x: &Vector3<f64>,
    w: f64,
    feat: &Vector2<f64>,
) -> Vector2<f64> {
    let r = cam.fixed_rows::<3>(0);
    let v = x - cam.fixed_rows::<3>(3);
    let angle_squared = r.norm_squared();
    let turned = if angle_squared != 0.0 {
        let angle = angle_squared.sqrt();
        let (sin, cos) = angle.sin_cos();
        let axis = r / angle;
        v * cos + axis.cross(&v) * sin + axis * (axis.dot(&v) * (1.0 - cos))
    } else {
        v + r.cross(&v)
    };
    let p = turned.xy() / turned.z;
    let s = p.norm_squared();
    let distortion = 1.0 + cam[9] * s + cam[10] * s * s;
    (p * distortion * cam[6] + cam.fixed_rows::<2>(7) - feat) * w
}

/// Keeps the weights from falling to zero.
#[jacobian]
pub fn weight_error(w: f64) -> f64 {
    1.0 - w * w
}

/// What was seen of which point by which camera, and how much that counts.
pub(crate) struct Observation {
    pub(crate) camera: usize,
    pub(crate) point: usize,
    pub(crate) weight: f64,
    pub(crate) feature: Vector2<f64>,
}

/// Cameras, points, and what was seen.
pub(crate) struct Problem {
    pub(crate) cameras: Vec<SVector<f64, 11>>,
    pub(crate) points: Vec<Vector3<f64>>,
    pub(crate) observations: Vec<Observation>,
}

impl Problem {
    /// Reads a file of ADBench's: the sizes, then one of each, which are repeated.
    pub(crate) fn read(text: &str) -> Self {
        let numbers = numbers(text);
        let [cameras, points, observations] = [0, 1, 2].map(|i| numbers[i] as usize);
        let data = &numbers[3..];
        let observation = |o| Observation {
            camera: o % cameras,
            point: o % points,
            weight: data[14],
            feature: Vector2::from_column_slice(&data[15..17]),
        };
        Self {
            cameras: vec![SVector::from_column_slice(&data[..11]); cameras],
            points: vec![Vector3::from_column_slice(&data[11..14]); points],
            observations: (0..observations).map(observation).collect(),
        }
    }

    /// The errors of all observations, then those of their weights.
    pub(crate) fn errors(&self) -> Vec<f64> {
        let mut errors = Vec::with_capacity(3 * self.observations.len());
        for o in &self.observations {
            let (camera, point) = (&self.cameras[o.camera], &self.points[o.point]);
            errors.extend(reproj(camera, point, o.weight, &o.feature).iter());
        }
        errors.extend(self.observations.iter().map(|o| weight_error(o.weight)));
        errors
    }

    /// Their Jacobian by all cameras, all points and all weights, row by row.
    pub(crate) fn jacobian(&self) -> Csr {
        let (points, n) = (11 * self.cameras.len(), self.observations.len());
        let weights = points + 3 * self.points.len();
        let mut jacobian = Csr::with_capacity(3 * n, 31 * n);
        for (i, o) in self.observations.iter().enumerate() {
            let (camera, point) = (&self.cameras[o.camera], &self.points[o.point]);
            let (by_camera, by_point, by_weight) =
                reproj_jacobian(camera, point, o.weight, &o.feature);
            for row in 0..2 {
                jacobian.push(11 * o.camera, by_camera.row(row).iter());
                jacobian.push(points + 3 * o.point, by_point.row(row).iter());
                jacobian.push(weights + i, by_weight.row(row).iter());
                jacobian.end_row();
            }
        }
        for (i, o) in self.observations.iter().enumerate() {
            jacobian.push(weights + i, [weight_error_jacobian(o.weight)].iter());
            jacobian.end_row();
        }
        jacobian
    }
}

/// A sparse matrix, row by row: where each row ends, and the columns and values of its entries.
pub(crate) struct Csr {
    pub(crate) ends: Vec<usize>,
    pub(crate) columns: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

impl Csr {
    fn with_capacity(rows: usize, entries: usize) -> Self {
        Self {
            ends: Vec::with_capacity(rows),
            columns: Vec::with_capacity(entries),
            values: Vec::with_capacity(entries),
        }
    }

    fn push<'a>(&mut self, column: usize, values: impl ExactSizeIterator<Item = &'a f64>) {
        self.columns.extend(column..column + values.len());
        self.values.extend(values);
    }

    fn end_row(&mut self) {
        self.ends.push(self.values.len());
    }
}

fn numbers(text: &str) -> Vec<f64> {
    let words = text.split_whitespace();
    words.map(|word| word.parse().expect("a number")).collect()
}

/// Norm, sum, and a sum that depends on the order.
fn sums(values: &[f64]) -> [f64; 3] {
    let waves = values.iter().zip(1..).map(|(v, i)| v * f64::from(i).sin());
    let squares: f64 = values.iter().map(|v| v * v).sum();
    [squares.sqrt(), values.iter().sum(), waves.sum()]
}

/// Errors and Jacobian against the numbers of ADBench, to 1e-10 of the larger one or of 1.
pub(crate) fn check(problem: &Problem, expected: &str) {
    let (errors, jacobian) = (problem.errors(), problem.jacobian());
    let mut found = errors[..2].to_vec();
    found.push(errors[errors.len() - 1]);
    found.extend(&jacobian.values[..30]);
    found.push(jacobian.values[jacobian.values.len() - 1]);
    found.extend(sums(&errors));
    found.extend(sums(&jacobian.values));
    let expected = numbers(expected);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let scale = found.abs().max(expected.abs()).max(1.0);
        assert!(
            (found - expected).abs() < 1e-10 * scale,
            "{found} is not {expected}"
        );
    }
}

/// The inputs, and what is expected of them.
pub(crate) const PROBLEMS: [(&str, &str); 2] = [
    (
        include_str!("data/adbench/ba/test.txt"),
        include_str!("data/adbench/ba/test_expected.txt"),
    ),
    (
        include_str!("data/adbench/ba/ba1.txt"),
        include_str!("data/adbench/ba/ba1_expected.txt"),
    ),
];

fn main() {
    println!("observations  errors   Jacobian  its entries");
    for (input, expected) in PROBLEMS {
        let problem = Problem::read(input);
        check(&problem, expected);
        let start = Instant::now();
        let errors = problem.errors();
        let between = Instant::now();
        let jacobian = problem.jacobian();
        let (f, j, entries) = (between - start, between.elapsed(), jacobian.values.len());
        println!("{:>12} {f:>8.1?} {j:>9.1?} {entries:>12}", errors.len() / 3);
    }
}
