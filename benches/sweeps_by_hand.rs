//! The gradients of ADBench's objectives by hand: products over all points of the mixture, and one sweep there and back
//! over the sequence of the network, in buffers of their own.

use nalgebra::{DMatrix, DVector};

use crate::by_hand::transposed;

type Mixture = (DVector<f64>, DMatrix<f64>, DMatrix<f64>);

/// With rᵢ the weights of the components given point i and yᵢ = Q (xᵢ − μ), all points of a component at once:
/// Qᵀ Σ rᵢ yᵢ by a mean, and −Σ rᵢ yᵢ (xᵢ − μ)ᵀ by a factor.
pub(crate) fn gmm_value_and_gradient(
    alphas: &DVector<f64>,
    means: &DMatrix<f64>,
    factors: &DMatrix<f64>,
    x: &DMatrix<f64>,
    (gamma, m): (f64, f64),
) -> (f64, Mixture) {
    let ((d, k), n) = (means.shape(), x.ncols());
    let mut beta = DMatrix::zeros(k, n);
    let mut value = 0.0;
    let mut kept = Vec::with_capacity(k);
    for c in 0..k {
        let (logs, mut below) =
            factors.as_slice()[c * factors.nrows()..][..factors.nrows()].split_at(d);
        let mut factor = DMatrix::zeros(d, d);
        for (j, log) in logs.iter().enumerate() {
            let (column, rest) = below.split_at(d - 1 - j);
            factor[(j, j)] = log.exp();
            factor.column_mut(j).as_mut_slice()[j + 1..].copy_from_slice(column);
            below = rest;
        }
        let mut y = &factor * x;
        let centre = &factor * means.column(c);
        let log_sum: f64 = logs.iter().sum();
        let log_weight = alphas[c] + log_sum;
        for (y, beta) in y
            .as_mut_slice()
            .chunks_exact_mut(d)
            .zip(beta.row_mut(c).iter_mut())
        {
            let mut square = 0.0;
            for (y, centre) in y.iter_mut().zip(centre.as_slice()) {
                *y -= centre;
                square += *y * *y;
            }
            *beta = log_weight - 0.5 * square;
        }
        value += 0.5 * gamma * gamma * factor.norm_squared() - m * log_sum;
        kept.push((factor, y));
    }
    for beta in beta.as_mut_slice().chunks_exact_mut(k) {
        let largest = beta.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        for beta in &mut *beta {
            *beta = (*beta - largest).exp();
            sum += *beta;
        }
        value += largest + sum.ln();
        let scale = sum.recip();
        for beta in beta {
            *beta *= scale;
        }
    }
    let mut d_alphas = beta.column_sum();
    let mut d_means = DMatrix::zeros(d, k);
    let mut d_factors = DMatrix::zeros(factors.nrows(), k);
    for (c, (factor, mut y)) in kept.into_iter().enumerate() {
        let mut weighted = DVector::zeros(d);
        for (y, r) in y.as_mut_slice().chunks_exact_mut(d).zip(beta.row(c).iter()) {
            for (y, sum) in y.iter_mut().zip(weighted.as_mut_slice()) {
                *y *= r;
                *sum += *y;
            }
        }
        d_means.column_mut(c).gemv_tr(1.0, &factor, &weighted, 0.0);
        let mut d_factor = &factor * (gamma * gamma);
        d_factor.ger(1.0, &weighted, &means.column(c), 1.0);
        d_factor.gemm(-1.0, &y, &transposed(x), 1.0);
        let mut at = d;
        for j in 0..d {
            d_factors[(j, c)] = d_alphas[c] - m + d_factor[(j, j)] * factor[(j, j)];
            for i in j + 1..d {
                d_factors[(at, c)] = d_factor[(i, j)];
                at += 1;
            }
        }
    }
    let largest = alphas.max();
    let shares = alphas.map(|a| (a - largest).exp());
    let sum = shares.sum();
    d_alphas.axpy(-(n as f64) / sum, &shares, 1.0);
    value -= n as f64 * (largest + sum.ln() + 0.5 * d as f64 * (2.0 * std::f64::consts::PI).ln())
        + k as f64 * crate::gmm::normalisation(d, gamma, m);
    (value, (d_alphas, d_means, d_factors))
}

pub(crate) fn gmm_gradient(
    alphas: &DVector<f64>,
    means: &DMatrix<f64>,
    factors: &DMatrix<f64>,
    x: &DMatrix<f64>,
    prior: (f64, f64),
) -> Mixture {
    // The value costs next to nothing beside it.
    gmm_value_and_gradient(alphas, means, factors, x, prior).1
}

/// What is kept of a layer and a character: the gates, the change, tanh of the memory, the memory, what it gives.
const KEPT: usize = 7;

pub(crate) fn lstm_value_and_gradient(
    main: &DMatrix<f64>,
    extra: &DMatrix<f64>,
    state: &DMatrix<f64>,
    sequence: &DMatrix<f64>,
) -> (f64, (DMatrix<f64>, DMatrix<f64>)) {
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let (b, layers, steps) = (sequence.nrows(), state.ncols() / 2, sequence.ncols() - 1);
    let (width, stride) = (KEPT * b, KEPT * b * layers);
    let (input, output) = extra.as_slice().split_at(b);
    // The first block holds the state before the sequence.
    let mut kept = vec![0.0; (steps + 1) * stride];
    for layer in 0..layers {
        let block = &mut kept[layer * width..][..width];
        block[5 * b..6 * b].copy_from_slice(state.column(2 * layer + 1).as_slice());
        block[6 * b..].copy_from_slice(state.column(2 * layer).as_slice());
    }
    let scale = -1.0 / (b * steps) as f64;
    let mut slopes = vec![0.0; steps * b];
    let mut x = vec![0.0; b];
    let mut total = 0.0;
    for t in 0..steps {
        let (past, now) = kept[t * stride..][..2 * stride].split_at_mut(stride);
        let (bits, next) = sequence.as_slice()[t * b..][..2 * b].split_at(b);
        for j in 0..b {
            x[j] = bits[j] * input[j];
        }
        for layer in 0..layers {
            let w = &main.as_slice()[8 * b * layer..][..8 * b];
            let past = &past[layer * width..][..width];
            let now = &mut now[layer * width..][..width];
            for j in 0..b {
                let (memory, hidden) = (past[5 * b + j], past[6 * b + j]);
                let forget = sigmoid(x[j] * w[j] + w[4 * b + j]);
                let ingate = sigmoid(hidden * w[b + j] + w[5 * b + j]);
                let outgate = sigmoid(x[j] * w[2 * b + j] + w[6 * b + j]);
                let change = (hidden * w[3 * b + j] + w[7 * b + j]).tanh();
                let memory = memory * forget + ingate * change;
                let tanh = memory.tanh();
                x[j] = outgate * tanh;
                for (k, value) in [forget, ingate, outgate, change, tanh, memory, x[j]]
                    .into_iter()
                    .enumerate()
                {
                    now[k * b + j] = value;
                }
            }
        }
        let slopes = &mut slopes[t * b..][..b];
        let (mut sum, mut bits, mut hit) = (2.0, 0.0, 0.0);
        for j in 0..b {
            let y = x[j] * output[j] + output[b + j];
            slopes[j] = y.exp();
            sum += slopes[j];
            bits += next[j];
            hit += next[j] * y;
        }
        total += hit - bits * sum.ln();
        for j in 0..b {
            slopes[j] = scale * (next[j] - bits / sum * slopes[j]);
        }
    }
    let mut d_main = DMatrix::zeros(b, 8 * layers);
    let mut d_extra = DMatrix::zeros(b, 3);
    let (d_input, d_output) = d_extra.as_mut_slice().split_at_mut(b);
    let mut x_bar = vec![0.0; b];
    let (mut hidden_bar, mut memory_bar) = (vec![0.0; b * layers], vec![0.0; b * layers]);
    for t in (0..steps).rev() {
        let (past, now) = kept[t * stride..][..2 * stride].split_at(stride);
        let bits = &sequence.as_slice()[t * b..][..b];
        for j in 0..b {
            let slope = slopes[t * b + j];
            x_bar[j] = slope * output[j];
            d_output[j] += slope * now[stride - b + j];
            d_output[b + j] += slope;
        }
        for layer in (0..layers).rev() {
            let w = &main.as_slice()[8 * b * layer..][..8 * b];
            let dw = &mut d_main.as_mut_slice()[8 * b * layer..][..8 * b];
            let below = layer
                .checked_sub(1)
                .map(|below| &now[below * width + 6 * b..][..b]);
            let past = &past[layer * width..][..width];
            let now = &now[layer * width..][..width];
            let hidden_bar = &mut hidden_bar[layer * b..][..b];
            let memory_bar = &mut memory_bar[layer * b..][..b];
            for j in 0..b {
                let x = below.map_or(bits[j] * input[j], |below| below[j]);
                let (memory, hidden) = (past[5 * b + j], past[6 * b + j]);
                let [forget, ingate, outgate, change, tanh] =
                    [0, 1, 2, 3, 4].map(|k| now[k * b + j]);
                let out = x_bar[j] + hidden_bar[j];
                let through = memory_bar[j] + out * outgate * (1.0 - tanh * tanh);
                let slopes = [
                    through * memory * forget * (1.0 - forget),
                    through * change * ingate * (1.0 - ingate),
                    out * tanh * outgate * (1.0 - outgate),
                    through * ingate * (1.0 - change * change),
                ];
                for (k, slope) in slopes.into_iter().enumerate() {
                    dw[k * b + j] += slope * if k % 2 == 0 { x } else { hidden };
                    dw[(4 + k) * b + j] += slope;
                }
                x_bar[j] = slopes[0] * w[j] + slopes[2] * w[2 * b + j];
                hidden_bar[j] = slopes[1] * w[b + j] + slopes[3] * w[3 * b + j];
                memory_bar[j] = through * forget;
            }
        }
        for j in 0..b {
            d_input[j] += x_bar[j] * bits[j];
        }
    }
    (total * scale, (d_main, d_extra))
}

pub(crate) fn lstm_gradient(
    main: &DMatrix<f64>,
    extra: &DMatrix<f64>,
    state: &DMatrix<f64>,
    sequence: &DMatrix<f64>,
) -> (DMatrix<f64>, DMatrix<f64>) {
    // The value costs next to nothing beside it.
    lstm_value_and_gradient(main, extra, state, sequence).1
}
