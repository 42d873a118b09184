//! The gradients of `functions` and of the network's loss, by hand: one pass over the data where one will do, in place,
//! no more allocations than results need. A fair opponent: improve on it where you can.

use nalgebra::{
    DMatrix, DMatrixView, DVector, Dyn, Matrix3, Matrix6x3, RowDVector, SVector, Vector3, Vector6,
};

pub(crate) use crate::sweeps_by_hand::{
    gmm_gradient, gmm_value_and_gradient, lstm_gradient, lstm_value_and_gradient,
};

/// Puts the first result of `pass` in place of each entry of `x` and returns the sums of both, added up in eight lanes.
fn sweep(x: &mut [f64], y: &[f64], pass: impl Fn(f64, f64) -> (f64, f64)) -> (f64, f64) {
    let (mut firsts, mut seconds) = ([0.0; 8], [0.0; 8]);
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks_mut::<8>(), y.as_chunks::<8>());
    for (x, y) in x.iter_mut().zip(y) {
        for lane in 0..8 {
            let (first, second) = pass(x[lane], y[lane]);
            x[lane] = first;
            firsts[lane] += first;
            seconds[lane] += second;
        }
    }
    for (lane, (x, y)) in x_rest.iter_mut().zip(y_rest).enumerate() {
        let (first, second) = pass(*x, *y);
        *x = first;
        firsts[lane] += first;
        seconds[lane] += second;
    }
    (firsts.iter().sum(), seconds.iter().sum())
}

pub(crate) fn neuron_value_and_gradient(
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (f64, (DVector<f64>, f64)) {
    let scale = 2.0 / y.len() as f64;
    let mut slope = x * w;
    let (db, squares) = sweep(slope.as_mut_slice(), y.as_slice(), |z, y| {
        let activation = (z + b).max(0.0);
        let error = activation - y;
        (
            if activation > 0.0 { scale * error } else { 0.0 },
            error * error,
        )
    });
    (0.5 * scale * squares, (x.tr_mul(&slope), db))
}

pub(crate) fn neuron_gradient(
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (DVector<f64>, f64) {
    let scale = 2.0 / y.len() as f64;
    let mut slope = x * w;
    let (db, _) = sweep(slope.as_mut_slice(), y.as_slice(), |z, y| {
        let z = z + b;
        (if z > 0.0 { scale * (z - y) } else { 0.0 }, 0.0)
    });
    (x.tr_mul(&slope), db)
}

pub(crate) fn least_squares_static_value_and_gradient(
    a: &Matrix6x3<f64>,
    x: &Vector3<f64>,
    b: &Vector6<f64>,
) -> (f64, Vector3<f64>) {
    let residual = a * x - b;
    (residual.norm_squared(), a.transpose() * (residual * 2.0))
}

pub(crate) fn least_squares_static_gradient(
    a: &Matrix6x3<f64>,
    x: &Vector3<f64>,
    b: &Vector6<f64>,
) -> Vector3<f64> {
    a.transpose() * ((a * x - b) * 2.0)
}

pub(crate) fn least_squares_value_and_gradient(
    a: &DMatrix<f64>,
    x: &DVector<f64>,
    b: &DVector<f64>,
) -> (f64, DVector<f64>) {
    let mut residual = a * x;
    let (_, value) = sweep(residual.as_mut_slice(), b.as_slice(), |ax, b| {
        (ax - b, (ax - b) * (ax - b))
    });
    (value, a.tr_mul(&residual) * 2.0)
}

pub(crate) fn least_squares_gradient(
    a: &DMatrix<f64>,
    x: &DVector<f64>,
    b: &DVector<f64>,
) -> DVector<f64> {
    a.tr_mul(&(a * x - b)) * 2.0
}

pub(crate) fn logistic_value_and_gradient(
    w: &DVector<f64>,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (f64, DVector<f64>) {
    let mut slope = x * w;
    let (_, value) = sweep(slope.as_mut_slice(), y.as_slice(), |z, y| {
        let odds = (-y * z).exp();
        (-y / (1.0 + odds.recip()), (1.0 + odds).ln())
    });
    (value, x.tr_mul(&slope))
}

pub(crate) fn logistic_gradient(
    w: &DVector<f64>,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> DVector<f64> {
    let mut slope = x * w;
    slope.zip_apply(y, |z, y| *z = -y / (1.0 + (y * *z).exp()));
    x.tr_mul(&slope)
}

/// The cofactors of a matrix, and from them its determinant.
fn cofactors(x: &Matrix3<f64>) -> (Matrix3<f64>, f64) {
    let (a, b, c) = (x.column(0), x.column(1), x.column(2));
    let first = b.cross(&c);
    (
        Matrix3::from_columns(&[first, c.cross(&a), a.cross(&b)]),
        a.dot(&first),
    )
}

pub(crate) fn log_determinant_value_and_gradient(x: &Matrix3<f64>) -> (f64, Matrix3<f64>) {
    let (cofactors, determinant) = cofactors(x);
    (determinant.ln(), cofactors * determinant.recip())
}

pub(crate) fn log_determinant_gradient(x: &Matrix3<f64>) -> Matrix3<f64> {
    let (cofactors, determinant) = cofactors(x);
    cofactors * determinant.recip()
}

pub(crate) fn rosenbrock_static_value_and_gradient(
    x: &SVector<f64, 10>,
) -> (f64, SVector<f64, 10>) {
    let (mut value, mut slopes) = (0.0, SVector::<f64, 10>::zeros());
    for i in 0..9 {
        let (rise, miss) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
        value += 100.0 * (rise * rise) + miss * miss;
        slopes[i] -= 400.0 * rise * x[i] + 2.0 * miss;
        slopes[i + 1] = 200.0 * rise;
    }
    (value, slopes)
}

pub(crate) fn rosenbrock_static_gradient(x: &SVector<f64, 10>) -> SVector<f64, 10> {
    let mut slopes = SVector::<f64, 10>::zeros();
    for i in 0..9 {
        let rise = x[i + 1] - x[i] * x[i];
        slopes[i] -= 400.0 * rise * x[i] + 2.0 * (1.0 - x[i]);
        slopes[i + 1] = 200.0 * rise;
    }
    slopes
}

/// The slope at `x[i]` comes from the terms that begin at `x[i]` and at its left neighbour.
fn rosenbrock_slopes(x: &[f64], slopes: &mut [f64]) {
    let n = x.len();
    let begin = |a: f64, b: f64| -400.0 * a * (b - a * a) - 2.0 * (1.0 - a);
    let end = |a: f64, b: f64| 200.0 * (b - a * a);
    slopes[0] = begin(x[0], x[1]);
    for (slope, x) in slopes[1..].iter_mut().zip(x.windows(3)) {
        *slope = begin(x[1], x[2]) + end(x[0], x[1]);
    }
    slopes[n - 1] = end(x[n - 2], x[n - 1]);
}

fn rosenbrock_value(x: &[f64]) -> f64 {
    let term = |a: f64, b: f64| 100.0 * (b - a * a) * (b - a * a) + (1.0 - a) * (1.0 - a);
    let mut sums = [0.0; 8];
    let (a, a_rest) = x[..x.len() - 1].as_chunks::<8>();
    let (b, b_rest) = x[1..].as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| term(a, b)).sum();
    rest + sums.iter().sum::<f64>()
}

pub(crate) fn rosenbrock_value_and_gradient(x: &DVector<f64>) -> (f64, DVector<f64>) {
    (rosenbrock_value(x.as_slice()), rosenbrock_gradient(x))
}

pub(crate) fn rosenbrock_gradient(x: &DVector<f64>) -> DVector<f64> {
    let mut slopes = DVector::zeros(x.len());
    rosenbrock_slopes(x.as_slice(), slopes.as_mut_slice());
    slopes
}

type Layers = (DMatrix<f64>, DVector<f64>, DMatrix<f64>, DVector<f64>);

/// The transpose, as a view: products read it without a copy.
pub(crate) fn transposed(m: &DMatrix<f64>) -> DMatrixView<'_, f64, Dyn, Dyn> {
    DMatrixView::from_slice_with_strides_generic(
        m.as_slice(),
        Dyn(m.ncols()),
        Dyn(m.nrows()),
        Dyn(m.nrows()),
        Dyn(1),
    )
}

/// `loss` of examples/digits.rs. The value is computed where `VALUE` says so.
fn loss_and_gradient<const VALUE: bool>(
    w1: &DMatrix<f64>,
    b1: &DVector<f64>,
    w2: &DMatrix<f64>,
    b2: &DVector<f64>,
    pixels: &DMatrix<f64>,
    labels: &DMatrix<f64>,
) -> (f64, Layers) {
    let (samples, decay) = (pixels.ncols() as f64, 1e-4);
    let mut hidden = w1 * pixels;
    for column in hidden.as_mut_slice().chunks_exact_mut(b1.len()) {
        for (z, b) in column.iter_mut().zip(b1.as_slice()) {
            *z = (*z + b).max(0.0);
        }
    }
    let mut slope = w2 * &hidden;
    let mut cross_entropy = 0.0;
    for (column, label) in slope
        .as_mut_slice()
        .chunks_exact_mut(b2.len())
        .zip(labels.as_slice().chunks_exact(b2.len()))
    {
        let (mut sum, mut chosen) = (0.0, 0.0);
        for ((z, b), label) in column.iter_mut().zip(b2.as_slice()).zip(label) {
            let logit = *z + b;
            chosen += logit * label;
            *z = logit.exp();
            sum += *z;
        }
        if VALUE {
            cross_entropy += sum.ln() - chosen;
        }
        let scale = 1.0 / (sum * samples);
        for (z, label) in column.iter_mut().zip(label) {
            *z = *z * scale - label / samples;
        }
    }
    let value = match VALUE {
        true => cross_entropy / samples + decay * (w1.norm_squared() + w2.norm_squared()),
        false => 0.0,
    };
    let mut dw2 = w2 * (2.0 * decay);
    dw2.gemm(1.0, &slope, &transposed(&hidden), 1.0);
    let db2 = slope.column_sum();
    let mut slope = transposed(w2) * slope;
    slope.zip_apply(&hidden, |slope, hidden| {
        *slope = if hidden > 0.0 { *slope } else { 0.0 }
    });
    let mut dw1 = w1 * (2.0 * decay);
    dw1.gemm(1.0, &slope, &transposed(pixels), 1.0);
    (value, (dw1, slope.column_sum(), dw2, db2))
}

pub(crate) fn loss_value_and_gradient(
    w1: &DMatrix<f64>,
    b1: &DVector<f64>,
    w2: &DMatrix<f64>,
    b2: &DVector<f64>,
    pixels: &DMatrix<f64>,
    labels: &DMatrix<f64>,
    _ones: &RowDVector<f64>,
) -> (f64, Layers) {
    loss_and_gradient::<true>(w1, b1, w2, b2, pixels, labels)
}

pub(crate) fn loss_gradient(
    w1: &DMatrix<f64>,
    b1: &DVector<f64>,
    w2: &DMatrix<f64>,
    b2: &DVector<f64>,
    pixels: &DMatrix<f64>,
    labels: &DMatrix<f64>,
    _ones: &RowDVector<f64>,
) -> Layers {
    loss_and_gradient::<false>(w1, b1, w2, b2, pixels, labels).1
}
