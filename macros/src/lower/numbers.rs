//! Numbers of generic functions: `T::from_f64(0.5).unwrap()`, `nalgebra::convert(0.5)`, `T::from_usize(n).unwrap()`.

use super::{Lower, Lowered};
use crate::scope::{Hint, Inert, Value};
use crate::ty::Real;
use quote::{ToTokens, quote};
use syn::{Expr, GenericArgument, PathArguments, Type};

impl Lower<'_> {
    /// `T::from_f64(0.5).unwrap()`: a constant; `T::from_usize(x.len()).unwrap()`: an integer as a real number.
    pub(crate) fn number_of_type(&mut self, call: &syn::ExprMethodCall) -> Lowered<Option<Value>> {
        let taken = match (call.method.to_string().as_str(), call.args.len()) {
            ("unwrap", 0) => true,
            ("expect", 1) => matches!(call.args[0], Expr::Lit(_)),
            _ => false,
        };
        let Some((name, arg)) = self.conversion(&call.receiver).filter(|_| taken) else {
            return Ok(None);
        };
        if let Some(value) =
            literal(arg).filter(|_| matches!(name.as_str(), "from_f64" | "from_f32"))
        {
            return Ok(Some(Value::Node(self.graph.constant(value))));
        }
        let integers = [
            "from_usize",
            "from_isize",
            "from_u8",
            "from_u16",
            "from_u32",
            "from_u64",
            "from_i8",
            "from_i16",
            "from_i32",
            "from_i64",
        ];
        if !integers.contains(&name.as_str()) {
            return Ok(None);
        }
        // As a cast: an integer has no derivative.
        let Value::Inert(number) = self.expr(arg)? else {
            return Ok(None);
        };
        let (tokens, real, method) = (&number.tokens, &self.real, &call.method);
        let function = quote::format_ident!("{name}");
        let message = &call.args;
        Ok(Some(Value::Inert(Inert {
            tokens: quote!(<#real>::#function(#tokens).#method(#message)),
            hint: Hint::Real,
            leaf: None,
            ..number
        })))
    }

    /// `T::from_f64(arg)`, by its name and its argument.
    fn conversion<'e>(&self, expr: &'e Expr) -> Option<(String, &'e Expr)> {
        let Expr::Call(call) = expr else { return None };
        let (Expr::Path(path), Real::Generic(real)) = (&*call.func, &self.real) else {
            return None;
        };
        let segments = &path.path.segments;
        let own = segments.len() == 2 && segments[0].ident == *real && path.qself.is_none();
        let arg = call.args.first().filter(|_| own && call.args.len() == 1)?;
        Some((segments[1].ident.to_string(), arg))
    }

    /// `nalgebra::convert(0.5)`: a constant.
    pub(crate) fn converted(&mut self, path: &syn::Path, args: &[&Expr]) -> Option<Value> {
        let (last, [arg]) = (path.segments.last()?, args) else {
            return None;
        };
        let known = last.ident == "convert" && path.segments.len() == 2;
        let known = known
            && matches!(
                path.segments[0].ident.to_string().as_str(),
                "nalgebra" | "na"
            );
        // Of the type that this function computes with.
        let own = match &last.arguments {
            PathArguments::AngleBracketed(given) => match given.args.iter().nth(1) {
                Some(GenericArgument::Type(Type::Infer(_))) => true,
                Some(GenericArgument::Type(ty)) => {
                    ty.to_token_stream().to_string() == self.real.to_token_stream().to_string()
                }
                _ => false,
            },
            _ => true,
        };
        let value = literal(arg).filter(|_| known && own)?;
        Some(Value::Node(self.graph.constant(value)))
    }
}

/// The number that a literal is.
fn literal(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Paren(inner) => literal(&inner.expr),
        Expr::Group(inner) => literal(&inner.expr),
        Expr::Unary(syn::ExprUnary {
            op: syn::UnOp::Neg(_),
            expr,
            ..
        }) => literal(expr).map(|value| -value),
        Expr::Lit(lit) => match &lit.lit {
            syn::Lit::Float(float) if matches!(float.suffix(), "" | "f64") => {
                float.base10_digits().parse().ok()
            }
            _ => None,
        },
        _ => None,
    }
}
