//! Programs compiled by rustc, as users compile theirs, and run in a process of their own.

use crate::program::{Function, Program};
use crate::write;
use nalgrad_tests::args::Attribute;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// rustc, and what programs are linked with.
pub struct Compiler {
    rustc: String,
    folder: PathBuf,
    /// Where the libraries are.
    libraries: PathBuf,
    external: Vec<(String, PathBuf)>,
    parts: AtomicUsize,
}

/// The message of the first error that rustc gives for each of some programs.
pub type Mistakes = BTreeMap<usize, String>;

impl Compiler {
    /// With the very libraries that this test is linked with.
    pub fn new() -> Compiler {
        let exe = std::env::current_exe().expect("this test has a path");
        let target = exe.ancestors().nth(3).expect("in a target folder");
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "test",
                "--no-run",
                "--message-format=json",
                "--offline",
                "--quiet",
            ])
            .args(["-p", "nalgrad-tests", "--test", "generated", "--target-dir"])
            .arg(target)
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(
            output.status.success(),
            "cargo says where the libraries are"
        );
        let mut external = Vec::new();
        for line in output.stdout.split(|b| *b == b'\n') {
            let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else {
                continue;
            };
            let name = message["target"]["name"].as_str().unwrap_or_default();
            if message["reason"] != "compiler-artifact" || !matches!(name, "nalgebra" | "nalgrad") {
                continue;
            }
            let files = message["filenames"].as_array().into_iter().flatten();
            let file = files
                .filter_map(|f| f.as_str())
                .find(|f| f.ends_with(".rlib"));
            external.extend(file.map(|f| (name.to_string(), PathBuf::from(f))));
        }
        assert_eq!(external.len(), 2, "nalgebra and nalgrad are libraries");
        let libraries = external[0].1.parent().expect("in a folder").to_path_buf();
        let folder = std::env::temp_dir().join(format!("nalgrad-generated-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for programs");
        let mut compiler = Compiler {
            rustc: std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()),
            folder,
            libraries,
            external,
            parts: AtomicUsize::new(0),
        };
        let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generated/server.rs");
        let library = compiler.folder.join("libserver.rlib");
        let output = compiler
            .command(&server, &library)
            .args(["--crate-type", "rlib", "--crate-name", "server"])
            .output()
            .expect("rustc runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        compiler.external.push(("server".into(), library));
        compiler
    }

    fn command(&self, source: &Path, output: &Path) -> Command {
        let mut command = Command::new(&self.rustc);
        command.arg(source).arg("-o").arg(output);
        command.args(["--edition", "2024", "--error-format", "json"]);
        command.args(["-C", "opt-level=0", "-C", "debuginfo=0"]);
        command.arg("-L").arg(&self.libraries);
        for (name, file) in &self.external {
            command
                .arg("--extern")
                .arg(format!("{name}={}", file.display()));
        }
        command
    }

    /// Compiles programs into one, without those that rustc refuses.
    pub fn compile(&self, programs: &[&Program]) -> (Option<Running>, Mistakes) {
        let part = self.parts.fetch_add(1, Ordering::Relaxed);
        let source = self.folder.join(format!("part{part}.rs"));
        let binary = self.folder.join(format!("part{part}"));
        let mut mistakes = Mistakes::new();
        loop {
            let mut text = String::from(
                "#![allow(warnings)]\nuse nalgebra::*;\nuse nalgrad::*;\nuse server::*;\n",
            );
            let mut entries = Vec::new();
            let mut places = Vec::new();
            let mut first = Vec::new();
            for (i, program) in programs.iter().enumerate() {
                first.push(entries.len());
                if mistakes.contains_key(&i) {
                    continue;
                }
                let name = format!("p{i}");
                let begin = text.lines().count();
                text.push_str(&write::program(program, &name));
                places.push((begin, text.lines().count(), i));
                entries.extend(write::entries(program, &name));
            }
            if entries.is_empty() {
                return (None, mistakes);
            }
            text.push_str(&format!(
                "fn main() {{\n    serve(&[{}]);\n}}\n",
                entries.join(", ")
            ));
            std::fs::write(&source, &text).expect("the source is written");
            let output = self.command(&source, &binary).output().expect("rustc runs");
            if output.status.success() {
                return (Some(Running::new(binary, source, first)), mistakes);
            }
            let before = mistakes.len();
            for line in output.stderr.split(|b| *b == b'\n') {
                let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else {
                    continue;
                };
                if message["level"] != "error" {
                    continue;
                }
                let Some(at) = line_in(&message["spans"], &source) else {
                    continue;
                };
                let program = places.iter().find(|(a, b, _)| *a < at && at <= *b);
                if let Some((_, _, i)) = program {
                    let text = message["rendered"].as_str().unwrap_or_default();
                    mistakes.entry(*i).or_insert_with(|| text.to_string());
                }
            }
            assert!(
                mistakes.len() > before,
                "rustc fails: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The line of the source that spans are in, outside of macros.
fn line_in(spans: &serde_json::Value, source: &Path) -> Option<usize> {
    for span in spans.as_array()? {
        let mut span = span;
        loop {
            if span["file_name"].as_str() == source.to_str() {
                return span["line_start"].as_u64().map(|l| l as usize);
            }
            span = &span["expansion"]["span"];
            if span.is_null() {
                break;
            }
        }
    }
    None
}

/// Programs that answer.
pub struct Running {
    binary: PathBuf,
    source: PathBuf,
    /// The first entry of each program.
    first: Vec<usize>,
    process: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

impl Running {
    fn new(binary: PathBuf, source: PathBuf, first: Vec<usize>) -> Running {
        Running {
            binary,
            source,
            first,
            process: None,
        }
    }

    /// What an entry of a program answers, or the message of its panic.
    pub fn ask(
        &mut self,
        program: usize,
        entry: usize,
        numbers: &[f64],
    ) -> Result<Vec<f64>, String> {
        let (_, input, output) = self.process.get_or_insert_with(|| {
            let mut process = Command::new(&self.binary)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("the programs run");
            let input = process.stdin.take().expect("it has an input");
            let output = process.stdout.take().expect("it has an output");
            (process, input, BufReader::new(output))
        });
        let mut line = (self.first[program] + entry).to_string();
        for x in numbers {
            line.push_str(&format!(" {:x}", x.to_bits()));
        }
        line.push('\n');
        let mut answer = String::new();
        let written = input
            .write_all(line.as_bytes())
            .and_then(|()| input.flush());
        let read = written.and_then(|()| output.read_line(&mut answer));
        if !matches!(read, Ok(n) if n > 0) {
            self.stop();
            return Err("the process died".into());
        }
        let answer = answer.trim_end();
        match answer.strip_prefix("panic ") {
            Some(text) => Err(text.to_string()),
            None => Ok(answer
                .split(' ')
                .map(|w| f64::from_bits(u64::from_str_radix(w, 16).expect("bits")))
                .collect()),
        }
    }

    fn stop(&mut self) {
        if let Some((mut process, input, _)) = self.process.take() {
            drop(input);
            let _ = process.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_file(&self.binary);
        let _ = std::fs::remove_file(&self.source);
    }
}

/// What the macro itself says against a program.
pub fn refusal(program: &Program) -> Option<String> {
    let callees = program
        .callees
        .iter()
        .map(|c| (c, vec![(Attribute::Differentiable, TokenStream::new())]));
    let wrt = match &program.function.wrt {
        None => TokenStream::new(),
        Some(wrt) => {
            let name = |v: &usize| program.function.variables[*v].name.clone();
            let names: Vec<String> = wrt.iter().map(name).collect();
            format!("wrt({})", names.join(", ")).parse().ok()?
        }
    };
    let attributes = program
        .kinds
        .iter()
        .map(|k| {
            let path: syn::Path = syn::parse_str(k.attribute()).ok()?;
            Some((Attribute::of(&path)?, wrt.clone()))
        })
        .collect::<Option<Vec<_>>>()?;
    callees
        .chain([(&program.function, attributes)])
        .find_map(|(function, attributes)| refused(function, &program.callees, attributes))
}

fn refused(
    function: &Function,
    callees: &[Function],
    attributes: Vec<(Attribute, TokenStream)>,
) -> Option<String> {
    let source = write::function(function, callees);
    let item = match syn::parse_str::<syn::ItemFn>(&source) {
        Ok(item) => item.to_token_stream(),
        Err(error) => return Some(format!("this does not parse: {error}")),
    };
    attributes.into_iter().find_map(|(attribute, arguments)| {
        let expand =
            || nalgrad_tests::companion::expand(attribute, arguments.clone(), item.clone());
        let expanded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(expand));
        let tokens = expanded.unwrap_or_else(|_| panic!("`{}` panics: {source}", attribute.name()));
        compile_error(tokens)
    })
}

/// The message of the first `compile_error!`.
fn compile_error(tokens: TokenStream) -> Option<String> {
    let mut named = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => named = ident == "compile_error",
            TokenTree::Group(group) => {
                if named {
                    return Some(group.stream().to_string());
                }
                if let Some(found) = compile_error(group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}
