//! Lists that are sorted or turned around: their items in another order, which carries no derivative itself.

use super::{Lower, Lowered, refuse};
use crate::scope::{Hint, Value};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, Stmt};

impl Lower<'_> {
    /// `v.sort_by(|a, b| …);`, `v.reverse();` and the like; `None` if it is something else.
    pub(crate) fn sorted(&mut self, call: &syn::ExprMethodCall) -> Lowered<Option<Value>> {
        let method = call.method.to_string();
        let args: Vec<&Expr> = call.args.iter().collect();
        let known = matches!(
            (method.as_str(), args.len()),
            (
                "sort_by"
                    | "sort_unstable_by"
                    | "sort_by_key"
                    | "sort_unstable_by_key"
                    | "sort_by_cached_key"
                    | "rotate_left"
                    | "rotate_right",
                1
            ) | ("reverse", 0)
        );
        let list = match &*call.receiver {
            Expr::MethodCall(slice) if slice.method == "as_mut_slice" => &*slice.receiver,
            list => list,
        };
        let Expr::Path(path) = list else {
            return Ok(None);
        };
        let value = self.scope.named(path).map(|known| known.value.clone());
        // The places of differentiated values, in the order of these.
        if let (Some(Value::Inert(inert)), true, 0) = (&value, known, self.closures)
            && inert.mutable
            && args.iter().all(|arg| self.only_observes(arg))
        {
            self.verbatim(&quote!(#call;))?;
            return Ok(Some(Value::Unit));
        }
        let is_list = match &value {
            Some(Value::Slice(_) | Value::Columns(..) | Value::List(_)) => true,
            Some(Value::Node(id)) => self.graph.shape(*id).is_some_and(|shape| shape.is_column()),
            _ => false,
        };
        let (true, true, 0, Some(name)) = (known, is_list, self.closures, path.path.get_ident())
        else {
            return Ok(None);
        };
        // What a closure captures, it does not change.
        self.assigned_variable(list)?;
        let (items, order) = (self.fresh("items"), self.fresh("order"));
        let (i, j) = (self.fresh("i"), self.fresh("j"));
        let arguments: TokenStream = match (method.as_str(), &args[..]) {
            ("reverse" | "rotate_left" | "rotate_right", _) => quote!(#(#args),*),
            ("sort_by" | "sort_unstable_by", [Expr::Closure(closure)])
                if closure.inputs.len() == 2 =>
            {
                let (a, b, body) = (&closure.inputs[0], &closure.inputs[1], &closure.body);
                quote!(|#i, #j| { let #a = &#items[*#i]; let #b = &#items[*#j]; #body })
            }
            ("sort_by" | "sort_unstable_by", [compare @ Expr::Path(_)]) => {
                quote!(|#i, #j| #compare(&#items[*#i], &#items[*#j]))
            }
            (_, [Expr::Closure(closure)]) if closure.inputs.len() == 1 => {
                let (a, body) = (&closure.inputs[0], &closure.body);
                quote!(|#i| { let #a = &#items[*#i]; #body })
            }
            _ => return Ok(None),
        };
        let looks = args.iter().all(|arg| match arg {
            Expr::Closure(_) => self.only_observes(arg),
            Expr::Path(path) => path
                .path
                .segments
                .last()
                .is_some_and(|s| s.ident == "total_cmp"),
            arg => self.is_inert(arg),
        });
        if !looks {
            return refuse(
                &call.method,
                format!(
                    "cannot see what happens to a differentiated value inside of this `{method}`\nhelp: compare with plain expressions there, as in `sort_by(|a, b| a.total_cmp(b))`"
                ),
            );
        }
        let word = &call.method;
        let made: Stmt = syn::parse_quote!(let #order = {
            let #items = &#name;
            let mut #order: ::std::vec::Vec<usize> = (0..#items.len()).collect();
            #order.#word(#arguments);
            #order
        };);
        let Stmt::Local(local) = &made else {
            return Ok(None);
        };
        let Some(init) = &local.init else {
            return Ok(None);
        };
        self.scope.push();
        let kept = self.keep_let(local, &init.expr).map(|new| {
            if let Some(new) = new.first() {
                let form = crate::graph::Form::Owned;
                self.bind_inert(&order, new, Hint::Unknown, form, true, false);
            }
        });
        let before = self.fresh("before");
        let place = self.fresh("k");
        // A vector has its length by the same name.
        let whole: syn::Block = syn::parse_quote!({
            let #before = #name.clone();
            for #place in 0..#order.len() { #name[#place] = #before[#order[#place]]; }
        });
        let done = kept.and_then(|()| self.nested_block(&whole));
        self.scope.pop();
        done.map(|_| Some(Value::Unit))
    }
}
