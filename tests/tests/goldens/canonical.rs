//! Two gradients are the same if they differ only in names, parentheses, borrows, the order of terms and factors, in
//! what is bound by a `let`, and in writing x² as `x.powi(2)` or `x * x`.

use quote::ToTokens;
use std::collections::HashMap;
use syn::{BinOp, Block, Expr, FnArg, ItemFn, Pat, Stmt};

/// The result of a function in a form that all its spellings share.
pub fn canonical(function: &ItemFn) -> String {
    let commutes = !function
        .sig
        .inputs
        .to_token_stream()
        .to_string()
        .contains("Matrix");
    let mut names = Names {
        commutes,
        ..Names::default()
    };
    for (i, input) in function.sig.inputs.iter().enumerate() {
        if let FnArg::Typed(input) = input {
            names.bind(&input.pat, format!("p{i}"));
        }
    }
    names.block(&function.block)
}

/// What each name stands for.
#[derive(Clone, Default)]
struct Names {
    values: HashMap<String, String>,
    /// Whether all factors are numbers.
    commutes: bool,
}

impl Names {
    fn bind(&mut self, pat: &Pat, value: String) {
        if let Pat::Ident(name) = pat {
            self.values.insert(name.ident.to_string(), value);
        }
    }

    fn block(&self, block: &Block) -> String {
        let mut names = self.clone();
        let mut effects = String::new();
        for statement in block.stmts.iter().filter(|s| !super::is_pin(s)) {
            match statement {
                Stmt::Local(local) => {
                    if let Some(init) = &local.init {
                        let value = names.expr(&init.expr);
                        names.bind(&local.pat, value);
                    }
                }
                // What changes a value in place gives it another value.
                Stmt::Expr(Expr::MethodCall(call), Some(_))
                    if matches!(&*call.receiver, Expr::Path(_)) =>
                {
                    let value = names.method(call);
                    if let Expr::Path(path) = &*call.receiver {
                        names
                            .values
                            .insert(path.to_token_stream().to_string(), value);
                    }
                }
                Stmt::Expr(expr, None) => return effects + &names.expr(expr),
                Stmt::Expr(expr, _) => effects += &format!("{};", names.expr(expr)),
                // Assertions on shapes.
                Stmt::Macro(_) | Stmt::Item(_) => {}
            }
        }
        effects
    }

    fn expr(&self, expr: &Expr) -> String {
        match expr {
            Expr::Paren(inner) => self.expr(&inner.expr),
            Expr::Group(inner) => self.expr(&inner.expr),
            Expr::Reference(inner) => self.expr(&inner.expr),
            Expr::Block(inner) => self.block(&inner.block),
            Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Deref(_)) => self.expr(&unary.expr),
            Expr::Assign(assign) => self.expr(&assign.right),
            Expr::Unary(unary) => {
                format!("{}({})", unary.op.to_token_stream(), self.expr(&unary.expr))
            }
            Expr::Binary(binary) => self.binary(expr, &binary.op),
            Expr::MethodCall(call) => self.method(call),
            Expr::Call(call) => {
                format!("{}({})", self.expr(&call.func), self.list(&call.args, ", "))
            }
            Expr::Index(index) => {
                format!("{}[{}]", self.expr(&index.expr), self.expr(&index.index))
            }
            Expr::Tuple(tuple) => format!("({})", self.list(&tuple.elems, ", ")),
            Expr::Path(path) => {
                let text = path.to_token_stream().to_string();
                self.values.get(&text).cloned().unwrap_or(text)
            }
            Expr::Cast(cast) => {
                format!("{} as {}", self.expr(&cast.expr), cast.ty.to_token_stream())
            }
            Expr::Closure(closure) => {
                let mut names = self.clone();
                names.commutes = true;
                for (i, input) in closure.inputs.iter().enumerate() {
                    names.bind(input, format!("entry{i}"));
                }
                format!("|{}| {}", closure.inputs.len(), names.expr(&closure.body))
            }
            Expr::If(branch) => {
                let otherwise = branch.else_branch.as_ref().map(|(_, e)| self.expr(e));
                format!(
                    "if {} {{ {} }} else {{ {} }}",
                    self.expr(&branch.cond),
                    self.block(&branch.then_branch),
                    otherwise.unwrap_or_default()
                )
            }
            other => other.to_token_stream().to_string(),
        }
    }

    fn list<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>, separator: &str) -> String {
        let parts: Vec<String> = exprs.into_iter().map(|e| self.expr(e)).collect();
        parts.join(separator)
    }

    /// Sums and products of numbers in a fixed order.
    fn binary(&self, expr: &Expr, op: &BinOp) -> String {
        let text = op.to_token_stream().to_string();
        let mut parts = Vec::new();
        match op {
            BinOp::Add(_) | BinOp::Mul(_) => {
                self.flatten(expr, &text, &mut parts);
                if self.commutes || matches!(op, BinOp::Add(_)) {
                    parts.sort();
                }
                format!("({})", parts.join(&format!(" {text} ")))
            }
            _ => match expr {
                Expr::Binary(binary) => format!(
                    "({} {text} {})",
                    self.expr(&binary.left),
                    self.expr(&binary.right)
                ),
                other => self.expr(other),
            },
        }
    }

    fn flatten(&self, expr: &Expr, wanted: &str, into: &mut Vec<String>) {
        match expr {
            Expr::Paren(inner) => self.flatten(&inner.expr, wanted, into),
            Expr::Binary(binary) if binary.op.to_token_stream().to_string() == wanted => {
                self.flatten(&binary.left, wanted, into);
                self.flatten(&binary.right, wanted, into);
            }
            other => {
                let text = self.expr(other);
                // A name may stand for a product.
                let inner = text
                    .strip_prefix('(')
                    .and_then(|t| t.strip_suffix(')'))
                    .filter(|t| is_plain(t, wanted));
                match inner {
                    Some(inner) => {
                        into.extend(inner.split(&format!(" {wanted} ")).map(str::to_string))
                    }
                    None => into.push(text),
                }
            }
        }
    }

    fn method(&self, call: &syn::ExprMethodCall) -> String {
        let receiver = self.expr(&call.receiver);
        let arguments = self.list(&call.args, ", ");
        match (call.method.to_string().as_str(), arguments.parse::<usize>()) {
            ("powi", Ok(n @ 2..=3)) => format!("({})", vec![receiver; n].join(" * ")),
            ("clone" | "clone_owned" | "into_owned", _) => receiver,
            (name, _) => format!("{receiver}.{name}({arguments})"),
        }
    }
}

/// Whether the text is a sum or product of parts without operators of their own.
fn is_plain(text: &str, operator: &str) -> bool {
    text.contains(&format!(" {operator} "))
        && text.split(&format!(" {operator} ")).all(|part| {
            !part.contains(['(', ' '])
                || part.matches('(').count() == part.matches(')').count() && !part.contains(' ')
        })
}
