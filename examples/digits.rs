//! Teaches a network of two layers to read handwritten digits; its derivative is written by `#[gradient]`.
//!
//! ```text
//! cargo run --release --example digits
//! ```
//!
//! Four fifths of `data/digits.csv` teach, every fifth line is held out. The loss curve and the digits that the network
//! misreads are drawn in `target/digits.svg`.

use nalgebra::{DMatrix, DVector, RowDVector};
use nalgrad::gradient;

mod display;

/// Cross-entropy of the network's softmax, averaged over a batch, with a little weight decay. A sample is a column of
/// `pixels` and, with a single one in it, of `labels`; `ones` has an entry a sample.
#[gradient(wrt(w1, b1, w2, b2))]
pub fn loss(
    w1: &DMatrix<f64>,
    b1: &DVector<f64>,
    w2: &DMatrix<f64>,
    b2: &DVector<f64>,
    pixels: &DMatrix<f64>,
    labels: &DMatrix<f64>,
    ones: &RowDVector<f64>,
) -> f64 {
    let hidden = (w1 * pixels + b1 * ones).map(|z| z.max(0.0));
    let logits = w2 * hidden + b2 * ones;
    let log_sums = logits.map(|z| z.exp()).row_sum().map(|s| s.ln());
    let cross_entropy = (log_sums.sum() - logits.dot(labels)) / pixels.ncols() as f64;
    cross_entropy + 1e-4 * (w1.norm_squared() + w2.norm_squared())
}

const HIDDEN: usize = 64;
const BATCH: usize = 32;
const EPOCHS: usize = 60;
/// Falls linearly to zero.
const RATE: f64 = 0.2;

fn main() -> std::io::Result<()> {
    let (train, held_out) = read_digits(include_str!("data/digits.csv"));
    let (learned, tested) = (train.len(), held_out.len());
    println!("{learned} digits to learn from; every fifth line, {tested} digits, is held out");
    let start = std::time::Instant::now();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut network = Network::new(|| 2.0 * random.uniform() - 1.0);
    let mut velocity = Network::new(|| 0.0);
    let mut order: Vec<usize> = (0..learned).collect();
    let mut curve = vec![(network.loss(&train), network.loss(&held_out))];
    for epoch in 1..=EPOCHS {
        let rate = RATE * (EPOCHS - epoch + 1) as f64 / EPOCHS as f64;
        random.shuffle(&mut order);
        for samples in order.chunks_exact(BATCH) {
            let Digits {
                pixels,
                labels,
                ones,
            } = train.select(samples);
            let Network { w1, b1, w2, b2 } = &network;
            let (_, (w1, b1, w2, b2)) =
                loss_value_and_gradient(w1, b1, w2, b2, &pixels, &labels, &ones);
            let gradient = Network { w1, b1, w2, b2 };
            velocity.zip_apply(&gradient, |velocity, slope| {
                *velocity = 0.9 * *velocity + slope
            });
            network.zip_apply(&velocity, |parameter, velocity| {
                *parameter -= rate * velocity
            });
        }
        curve.push((network.loss(&train), network.loss(&held_out)));
        display::progress(epoch, EPOCHS, curve[epoch], network.accuracy(&held_out))?;
    }
    let (right, seconds) = (
        100.0 * network.accuracy(&held_out),
        start.elapsed().as_secs_f64(),
    );
    println!("{right:.1} % of the held-out digits read right, after {seconds:.2} s");

    let picture = display::picture(&curve, &held_out, &network.read(&held_out));
    std::fs::create_dir_all("target")?;
    std::fs::write("target/digits.svg", picture)?;
    println!("picture: target/digits.svg");
    Ok(())
}

/// Digits as columns, grey values from 0 to 1.
struct Digits {
    pixels: DMatrix<f64>,
    labels: DMatrix<f64>,
    ones: RowDVector<f64>,
}

impl Digits {
    fn len(&self) -> usize {
        self.ones.len()
    }

    fn select(&self, samples: &[usize]) -> Self {
        Self {
            pixels: self.pixels.select_columns(samples),
            labels: self.labels.select_columns(samples),
            ones: RowDVector::repeat(samples.len(), 1.0),
        }
    }
}

/// Every fifth line goes to the second set.
fn read_digits(csv: &str) -> (Digits, Digits) {
    let cells = csv
        .trim()
        .split([',', '\n'])
        .map(|cell| cell.parse().expect("a number"));
    let table = DMatrix::from_vec(65, csv.lines().count(), cells.collect());
    let is = |digit, sample| table[(64, sample)] == digit as f64;
    let all = Digits {
        pixels: table.rows(0, 64) / 16.0,
        labels: DMatrix::from_fn(10, table.ncols(), |digit, sample| is(digit, sample).into()),
        ones: RowDVector::repeat(table.ncols(), 1.0),
    };
    let (held_out, train): (Vec<_>, Vec<_>) = (0..all.len()).partition(|line| line % 5 == 4);
    (all.select(&train), all.select(&held_out))
}

/// The parameters, or their gradient.
struct Network {
    w1: DMatrix<f64>,
    b1: DVector<f64>,
    w2: DMatrix<f64>,
    b2: DVector<f64>,
}

impl Network {
    /// Weights of the size that keeps a layer's outputs as large as its inputs (He, 2015).
    fn new(mut weight: impl FnMut() -> f64) -> Self {
        let mut layer = |outputs: usize, inputs: usize| {
            let bound = (6.0 / inputs as f64).sqrt();
            (
                DMatrix::from_fn(outputs, inputs, |_, _| bound * weight()),
                DVector::zeros(outputs),
            )
        };
        let ((w1, b1), (w2, b2)) = (layer(HIDDEN, 64), layer(10, HIDDEN));
        Self { w1, b1, w2, b2 }
    }

    fn loss(
        &self,
        Digits {
            pixels,
            labels,
            ones,
        }: &Digits,
    ) -> f64 {
        loss(&self.w1, &self.b1, &self.w2, &self.b2, pixels, labels, ones)
    }

    /// The digit that the network reads in each column.
    fn read(&self, Digits { pixels, ones, .. }: &Digits) -> Vec<usize> {
        let hidden = (&self.w1 * pixels + &self.b1 * ones).map(|z| z.max(0.0));
        let logits = &self.w2 * hidden + &self.b2 * ones;
        logits.column_iter().map(|column| column.imax()).collect()
    }

    fn accuracy(&self, digits: &Digits) -> f64 {
        let read = self.read(digits);
        let right = |&sample: &usize| digits.labels[(read[sample], sample)] == 1.0;
        (0..digits.len()).filter(right).count() as f64 / digits.len() as f64
    }

    fn zip_apply(&mut self, other: &Self, step: impl Fn(&mut f64, f64)) {
        self.w1.zip_apply(&other.w1, &step);
        self.b1.zip_apply(&other.b1, &step);
        self.w2.zip_apply(&other.w2, &step);
        self.b2.zip_apply(&other.b2, &step);
    }
}

/// Marsaglia's xorshift, so that every run learns the same.
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            items.swap(last, (self.uniform() * (last + 1) as f64) as usize);
        }
    }
}
