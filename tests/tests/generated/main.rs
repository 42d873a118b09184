//! Random programs: the companions that rustc compiles for them against dual numbers and central differences.
//!
//! `NALGRAD_PROGRAMS` is how many there are (2000), `NALGRAD_SEED` which ones (1), `NALGRAD_KINDS=all` asks for every
//! companion of each. Of what fails, `NALGRAD_SHOW` programs (3) are shrunk and shown, each with a fault of its own;
//! `NALGRAD_SHRINK=0` shows them as they were drawn. `NALGRAD_ONLY=454,560,700..750` runs these programs of the seed alone, and
//! shows those that are refused as well. `NALGRAD_COMPILE=0` only asks the macro which programs it refuses.

mod compare;
mod compile;
mod generate;
mod interpret;
mod program;
mod random;
mod shrink;
mod write;

use compare::{Verdict, compare};
use compile::{Compiler, Mistakes, refusal};
use generate::{ENABLED, Feature};
use program::Program;
use random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many programs share a crate: fewer cost more starts of rustc, more wait for the last one.
const PART: usize = 50;

/// How many of a hundred programs may be refused, by the macro or by rustc: these are bugs too, but no wrong numbers.
const LOUD: usize = 6;

/// Which productions are drawn from: those that are enabled, or those that `NALGRAD_FEATURES` names.
fn features() -> Vec<Feature> {
    let all = generate::ALL.iter().copied();
    match std::env::var("NALGRAD_FEATURES") {
        Ok(names) => {
            let named = |f: &Feature| names.split(',').any(|name| name == format!("{f:?}"));
            all.filter(named).collect()
        }
        Err(_) => ENABLED.to_vec(),
    }
}

fn variable(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => otherwise,
    }
}

/// The numbers of the programs to run: those that `NALGRAD_ONLY` names, or the first ones.
fn indices() -> Vec<u64> {
    let number = |text: &str| text.trim().parse::<u64>().expect("a number");
    match std::env::var("NALGRAD_ONLY") {
        Ok(named) => {
            let parts = named
                .split(',')
                .flat_map(|part| match part.split_once("..") {
                    Some((start, end)) => number(start)..number(end),
                    None => number(part)..number(part) + 1,
                });
            parts.collect()
        }
        Err(_) => (0..variable("NALGRAD_PROGRAMS", 2000)).collect(),
    }
}

#[derive(Default)]
struct Report {
    programs: usize,
    thrown: usize,
    compared: usize,
    unsettled: usize,
    by_kind: BTreeMap<&'static str, usize>,
    /// By message, with the first program.
    refused: BTreeMap<String, (usize, u64)>,
    faults: Vec<(u64, Program, Verdict)>,
}

/// What becomes of programs that are compiled together.
fn judge(compiler: &Compiler, programs: &[Program]) -> Vec<Verdict> {
    let refusals: Vec<Option<String>> = programs.iter().map(refusal).collect();
    if variable("NALGRAD_COMPILE", 1) == 0 {
        let verdict = |refusal: Option<String>| match refusal {
            Some(message) => Verdict::Refused(message),
            None => Verdict::Right {
                compared: 0,
                unsettled: 0,
            },
        };
        return refusals.into_iter().map(verdict).collect();
    }
    let accepted: Vec<&Program> = programs
        .iter()
        .zip(&refusals)
        .filter_map(|(p, r)| r.is_none().then_some(p))
        .collect();
    let (mut running, mut mistakes) = compiler.compile(&accepted);
    let ill_typed = ill_typed(compiler, &accepted, &mistakes);
    let mut at = 0;
    programs
        .iter()
        .zip(refusals)
        .map(|(program, refusal)| {
            if let Some(message) = refusal {
                return Verdict::Refused(message);
            }
            at += 1;
            match (mistakes.remove(&(at - 1)), &mut running) {
                (Some(message), _) => match ill_typed.get(&(at - 1)) {
                    Some(message) => Verdict::IllTyped(message.clone()),
                    None => Verdict::Uncompiled(message),
                },
                (None, Some(running)) => compare(program, at - 1, running),
                (None, None) => unreachable!("it compiles"),
            }
        })
        .collect()
}

/// Of the programs with mistakes, those that have them without attributes.
fn ill_typed(compiler: &Compiler, programs: &[&Program], mistakes: &Mistakes) -> Mistakes {
    let plain: Vec<Program> = mistakes
        .keys()
        .map(|i| {
            let mut plain = programs[*i].clone();
            plain.kinds.clear();
            plain
        })
        .collect();
    let (_, found) = compiler.compile(&plain.iter().collect::<Vec<_>>());
    mistakes
        .keys()
        .enumerate()
        .filter_map(|(k, i)| Some((*i, found.get(&k)?.clone())))
        .collect()
}

/// A message without what it quotes of a program.
fn without_quotes(message: &str) -> String {
    let parts = message.split('`').enumerate();
    parts
        .map(|(i, part)| if i % 2 == 1 { "`…`" } else { part })
        .collect()
}

/// Whether two programs have the same fault.
fn same_fault(a: &Verdict, b: &Verdict) -> bool {
    let code = |text: &str| {
        text.lines()
            .next()
            .unwrap_or_default()
            .split('`')
            .next()
            .map(String::from)
    };
    match (a, b) {
        (Verdict::Wrong { kind: a, .. }, Verdict::Wrong { kind: b, .. }) => {
            (*a == "value") == (*b == "value")
        }
        (Verdict::IllTyped(a), Verdict::IllTyped(b))
        | (Verdict::Uncompiled(a), Verdict::Uncompiled(b))
        | (Verdict::Refused(a), Verdict::Refused(b)) => code(a) == code(b),
        _ => false,
    }
}

fn shrink(compiler: &Compiler, mut program: Program, mut verdict: Verdict) -> (Program, Verdict) {
    for _ in 0..60 {
        let mut candidates = shrink::smaller(&program);
        let mut found = None;
        while !candidates.is_empty() && found.is_none() {
            let batch: Vec<Program> = candidates.drain(..candidates.len().min(8)).collect();
            // What makes no sense any more panics in the oracle.
            let judged = || judge(compiler, &batch);
            let Ok(verdicts) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(judged))
            else {
                continue;
            };
            found = batch
                .into_iter()
                .zip(verdicts)
                .find(|(_, v)| same_fault(v, &verdict));
        }
        match found {
            Some(better) => (program, verdict) = better,
            None => break,
        }
    }
    (program, verdict)
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "rustc compiles these programs the same way"
)]
fn random_programs_have_right_derivatives() {
    let seed = variable("NALGRAD_SEED", 1);
    let indices = indices();
    let named = std::env::var("NALGRAD_ONLY").is_ok();
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
    let part = PART.min(indices.len().div_ceil(workers)).max(1);
    let all_kinds = std::env::var("NALGRAD_KINDS").is_ok_and(|k| k == "all");
    let features = features();
    let compiler = Compiler::new();
    let report = Mutex::new(Report::default());
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(indices) = indices.chunks(part).nth(number) else {
                break;
            };
            let mut programs = Vec::new();
            let mut thrown = 0;
            for &index in indices {
                let (mut program, rejected) = generate::program(seed, index, &features);
                let mut random = Random::new(!seed, index);
                program.kinds = generate::kinds(&program, &mut random, all_kinds);
                programs.push(program);
                thrown += rejected;
            }
            let verdicts = judge(&compiler, &programs);
            let mut report = report.lock().expect("no worker panics");
            report.thrown += thrown;
            for ((&index, program), verdict) in indices.iter().zip(programs).zip(verdicts) {
                report.programs += 1;
                match verdict {
                    Verdict::Right {
                        compared,
                        unsettled,
                    } => {
                        report.compared += compared;
                        report.unsettled += unsettled;
                        for kind in &program.kinds {
                            *report.by_kind.entry(kind.attribute()).or_default() += 1;
                        }
                    }
                    Verdict::Refused(message) => {
                        report
                            .refused
                            .entry(without_quotes(&message))
                            .or_insert((0, index))
                            .0 += 1;
                        if named {
                            let refused = Verdict::Refused(message);
                            report.faults.push((index, program, refused));
                        }
                    }
                    fault => report.faults.push((index, program, fault)),
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut report = report.into_inner().expect("no worker panics");
    let programs = report.programs;
    println!(
        "seed {seed}: {} programs, {} draws thrown away before them, {} comparisons, {} differences did not settle",
        report.programs, report.thrown, report.compared, report.unsettled
    );
    println!("{:?}", report.by_kind);
    let mut refused = 0;
    for (message, (count, first)) in &report.refused {
        println!("{count} refused (program {first}): {message}");
        refused += count;
    }
    report.faults.sort_by_key(|(index, ..)| *index);
    let count = |is: fn(&Verdict) -> bool| report.faults.iter().filter(|f| is(&f.2)).count();
    let panics =
        |v: &Verdict| matches!(v, Verdict::Wrong { text, .. } if text.starts_with("panics"));
    let wrong = count(|v| matches!(v, Verdict::Wrong { .. }));
    let panicking = report.faults.iter().filter(|f| panics(&f.2)).count();
    let uncompiled = count(|v| matches!(v, Verdict::Uncompiled(_)));
    let ill_typed = count(|v| matches!(v, Verdict::IllTyped(_)));
    println!(
        "{refused} refused, {uncompiled} not compiled, {ill_typed} not well typed, {wrong} wrong, of which {panicking} panic alone"
    );
    // Programs that cannot be shrunk any more panic in the oracle: nobody wants to read that.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let show = variable("NALGRAD_SHOW", 3) as usize;
    let shrinks = variable("NALGRAD_SHRINK", 1) != 0;
    let mut shown = BTreeSet::new();
    // What is wrong silently comes first.
    report
        .faults
        .sort_by_key(|(.., v)| !matches!(v, Verdict::Wrong { .. }));
    for (index, program, verdict) in report.faults {
        let text = without_quotes(verdict.to_string().lines().next().unwrap_or_default());
        if shown.len() == show || !shown.insert(text.clone()) {
            println!("---- also program {index} of seed {seed}: {text}");
            continue;
        }
        println!(
            "---- program {index} of seed {seed}\n{verdict}\n{}",
            write::source(&program)
        );
        if !shrinks {
            continue;
        }
        let (program, verdict) = shrink(&compiler, program, verdict);
        println!("---- shrunk to\n{}\n{verdict}", write::source(&program));
    }
    std::panic::set_hook(hook);
    assert_eq!(wrong, 0, "programs with a wrong companion");
    let loud = refused + uncompiled;
    assert!(
        loud * 100 <= LOUD * programs,
        "{loud} programs without companions"
    );
    assert!(ill_typed * 100 <= programs, "the generator makes mistakes");
}
