//! What `digits` shows of its training: a progress bar, then a picture as SVG.

use std::io::{IsTerminal, Write};

use super::Digits;

const MUTED: &str = "#6b7280";
const TRAIN: &str = "#1f6fb4";
const HELD_OUT: &str = "#d9541e";

/// One line that fills up in a terminal; elsewhere a line every ten epochs.
pub(crate) fn progress(
    epoch: usize,
    epochs: usize,
    (train, held_out): (f64, f64),
    accuracy: f64,
) -> std::io::Result<()> {
    let done = 30 * epoch / epochs;
    let line = format!(
        "epoch {epoch:>2}/{epochs} {}{}  loss {train:.4}  held out {held_out:.4}, {:.1} % right",
        "█".repeat(done),
        "░".repeat(30 - done),
        100.0 * accuracy
    );
    let mut out = std::io::stdout();
    if out.is_terminal() {
        write!(out, "\r{line}{}", if epoch == epochs { "\n" } else { "" })?;
    } else if epoch.is_multiple_of(10) {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// The loss of both sets after each epoch on the left, the digits that were misread on the right.
pub(crate) fn picture(curve: &[(f64, f64)], held_out: &Digits, read: &[usize]) -> String {
    let misread: Vec<_> = (0..read.len())
        .filter(|&j| held_out.labels[(read[j], j)] == 0.0)
        .collect();
    let right = 100.0 * (1.0 - misread.len() as f64 / read.len() as f64);
    let title = text(
        60.0,
        42.0,
        22,
        "#111827",
        "start",
        "A network of two layers learns to read",
    );
    let subtitle = format!(
        "{right:.1} % of {} held-out digits read right; its derivative is #[gradient]",
        read.len()
    );
    [
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 540" font-family="Helvetica, Arial, sans-serif">"##,
        r##"<rect width="1000" height="540" fill="#fff"/>"##,
        &title,
        &text(60.0, 66.0, 14, MUTED, "start", &subtitle),
        &loss_curve(curve),
        &gallery(&misread, held_out, read),
        "</svg>\n",
    ]
    .join("\n")
}

/// Loss over epochs on a logarithmic axis.
fn loss_curve(curve: &[(f64, f64)]) -> String {
    let (left, right, top, bottom) = (60.0, 500.0, 120.0, 470.0);
    let last = (curve.len() - 1) as f64;
    let losses = || {
        curve
            .iter()
            .flat_map(|&(train, held_out)| [train, held_out])
    };
    let (least, most) = (
        losses().fold(f64::INFINITY, f64::min),
        losses().fold(0.0, f64::max),
    );
    let (low, high) = (least.log10() - 0.05, most.log10() + 0.05);
    let x = |epoch: f64| left + (right - left) * epoch / last;
    let y = |loss: f64| bottom - (bottom - top) * (loss.log10() - low) / (high - low);

    let mut svg = text(
        left,
        104.0,
        14,
        "#111827",
        "start",
        "Loss (cross-entropy and weight decay)",
    );
    let ticks = (-6..3).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10.0_f64.powi(power)));
    for tick in ticks.filter(|tick| (low..high).contains(&tick.log10())) {
        svg += &line(left, y(tick), right, y(tick), "#e5e7eb");
        svg += &text(
            left - 8.0,
            y(tick) + 4.0,
            12,
            MUTED,
            "end",
            &format!("{}", (tick * 1e6).round() / 1e6),
        );
    }
    for epoch in (0..=6).map(|sixth| (last * f64::from(sixth) / 6.0).round()) {
        svg += &line(x(epoch), bottom, x(epoch), bottom + 5.0, MUTED);
        svg += &text(
            x(epoch),
            bottom + 20.0,
            12,
            MUTED,
            "middle",
            &format!("{epoch}"),
        );
    }
    svg += &line(left, bottom, right, bottom, MUTED);
    svg += &text(
        0.5 * (left + right),
        bottom + 42.0,
        13,
        MUTED,
        "middle",
        "epoch",
    );

    let (train, held_out): (Vec<_>, Vec<_>) = curve.iter().copied().unzip();
    for (losses, colour, name, shift) in [
        (train, TRAIN, "train", -10.0),
        (held_out, HELD_OUT, "held out", -10.0),
    ] {
        let points = losses
            .iter()
            .enumerate()
            .map(|(epoch, &loss)| format!("{:.1},{:.1}", x(epoch as f64), y(loss)));
        let points = points.collect::<Vec<_>>().join(" ");
        svg += &format!(
            r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>"#
        );
        let end = losses[losses.len() - 1];
        svg += &text(
            right,
            y(end) + shift,
            13,
            colour,
            "end",
            &format!("{name} {end:.3}"),
        );
    }
    svg
}

/// Up to twelve of the misread digits, four in a row.
fn gallery(misread: &[usize], held_out: &Digits, read: &[usize]) -> String {
    let shown = if misread.len() > 12 {
        ", 12 of them"
    } else {
        ""
    };
    let heading = format!("What it misreads ({}{shown})", misread.len());
    let mut svg = text(580.0, 104.0, 14, "#111827", "start", &heading);
    for (place, &sample) in misread.iter().take(12).enumerate() {
        let (left, top) = (
            580.0 + 100.0 * (place % 4) as f64,
            120.0 + 128.0 * (place / 4) as f64,
        );
        for pixel in 0..64 {
            let (x, y) = (
                left + 10.0 * (pixel % 8) as f64,
                top + 10.0 * (pixel / 8) as f64,
            );
            let grey = (255.0 * (1.0 - held_out.pixels[(pixel, sample)])).round();
            let fill = format!("rgb({grey},{grey},{grey})");
            svg += &format!(r#"<rect x="{x}" y="{y}" width="10.2" height="10.2" fill="{fill}"/>"#);
        }
        svg += &format!(
            r##"<rect x="{left}" y="{top}" width="80" height="80" fill="none" stroke="#d1d5db"/>"##
        );
        let truth = held_out.labels.column(sample).imax();
        svg += &text(
            left,
            top + 97.0,
            13,
            HELD_OUT,
            "start",
            &format!("read {}", read[sample]),
        );
        svg += &text(
            left + 80.0,
            top + 97.0,
            13,
            MUTED,
            "end",
            &format!("is {truth}"),
        );
    }
    svg
}

fn text(x: f64, y: f64, size: u32, colour: &str, anchor: &str, words: &str) -> String {
    format!(
        r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{words}</text>"#
    )
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64, colour: &str) -> String {
    format!(r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{colour}"/>"#)
}
