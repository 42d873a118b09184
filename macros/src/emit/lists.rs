//! Lists: as vectors of all their entries, by elements where they are, and back.

use super::{Emit, PULLBACK, Returns};
use crate::graph::{Dim, Id, Whole};
use crate::rules::{Op, Part};
use crate::scope::Columns;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};

impl Emit<'_> {
    /// Slices, arrays and `Vec`s as vectors, where they are read as such.
    pub(super) fn vectors_of_lists(&self, body: &TokenStream) -> TokenStream {
        let mut leaves: Vec<Id> = self.program.graph.lists.borrow().keys().copied().collect();
        leaves.sort();
        let vectors = leaves.into_iter().map(|id| self.vector_of_list(id, body));
        vectors.collect()
    }

    /// The vector of one of these, if the statements read it.
    pub(super) fn vector_of_list(&self, id: Id, body: &TokenStream) -> TokenStream {
        let (krate, nalgebra, real) = (self.krate, &self.nalgebra, self.real);
        let lists = self.program.graph.lists.borrow();
        let (Some(list), Some(leaf)) = (lists.get(&id), self.program.graph.leaf_of(id)) else {
            return TokenStream::new();
        };
        let (vector, name) = (leaf.name, &list.name);
        let mentioned = |name: &str| crate::ty::mentions(body.clone(), &|ident| *ident == name);
        let mut lets = TokenStream::new();
        let starts = format_ident!("{}_starts", vector.to_string());
        if mentioned(&starts.to_string()) {
            lets.extend(quote!(let #starts = #krate::__private::starts(&#name);));
        }
        if !mentioned(&vector.to_string()) {
            return lets;
        }
        if list.is_struct {
            let whole = quote!(#krate::__private::column_of_entries(#name));
            lets.extend(quote!(let #vector: #nalgebra::DVector<#real> = #whole;));
            return lets;
        }
        if list.element.is_some() {
            lets.extend(match self.shape(id).rows {
                Dim::Static(n) => {
                    let n = proc_macro2::Literal::usize_unsuffixed(n);
                    quote!(let #vector: #nalgebra::SVector<#real, #n> = #krate::__private::entries_of_array(&#name[..]);)
                }
                _ => quote!(let #vector = #krate::__private::entries(&#name);),
            });
            return lets;
        }
        // A part of a tuple is not behind a reference of its own.
        let place = name.clone().into_iter().count() > 1;
        let borrow = place.then(|| quote!(&));
        let length = list.length.as_ref().map(crate::ty::dim_tokens);
        lets.extend(match (length, list.by_reference) {
            (Some(n), true) => {
                quote!(let #vector = #nalgebra::SVectorView::<#real, #n>::from_slice(#borrow #name);)
            }
            (Some(n), false) => {
                quote!(let #vector = #nalgebra::SVector::<#real, #n>::from(#name);)
            }
            (None, true) => {
                quote!(let #vector = #nalgebra::DVectorView::<#real>::from_slice(#borrow #name, #name.len());)
            }
            (None, false) => {
                quote!(let #vector = #nalgebra::DVector::<#real>::from_column_slice(&#name);)
            }
        });
        lets
    }

    /// A derivative of a slice, an array or a `Vec` is one as well.
    pub(super) fn as_list(&self, other: Id, derivative: TokenStream) -> TokenStream {
        let lists = self.program.graph.lists.borrow();
        let Some(list) = lists.get(&other) else {
            return derivative;
        };
        if list.is_struct {
            let (krate, own) = (self.krate, &list.name);
            let derivative = super::borrowed(&derivative);
            return quote!(#krate::__private::struct_of(#own, #derivative));
        }
        let name = derivative.clone().into_iter().count() == 1;
        let derivative = if name {
            derivative
        } else {
            quote!((#derivative))
        };
        if list.element.is_some() {
            let (krate, own) = (self.krate, &list.name);
            let split = match list.length {
                Some(_) => Ident::new("split_array", Span::call_site()),
                None => Ident::new("split", Span::call_site()),
            };
            return quote!(#krate::__private::#split(&#own, #derivative.as_slice()));
        }
        match &list.length {
            Some(_) => quote!(#derivative.into()),
            None => quote!(#derivative.data.into()),
        }
    }

    /// A value or its derivative as the list that the function returns.
    pub(super) fn written_list(&mut self, of: &Returns, columns: Option<Columns>) -> TokenStream {
        let written = self.written_result(of);
        if let Returns::Like(_, value) = of
            && self.program.graph.lists.borrow().contains_key(value)
        {
            return written;
        }
        let krate = self.krate;
        match columns {
            None => quote!(#krate::__private::list(#written)),
            Some(Columns::Lists) => quote!(#krate::__private::lists(&#written)),
            Some(Columns::Matrices(_)) => quote!(#krate::__private::matrices(&#written)),
        }
    }

    /// A cotangent that is given as such a list, as a matrix.
    pub(super) fn given_as_list(&self, id: Id, of: Id, columns: Option<Columns>) -> TokenStream {
        let (krate, shape) = (self.krate, self.shape(of));
        let name = self.program.graph.leaf_of(id).map(|leaf| leaf.name);
        let ty = self.matrix_type(&shape);
        let rows = self.dim(&shape.rows);
        let given = match columns {
            None => quote!(column(#name)),
            Some(Columns::Lists) => quote!(lists_side_by_side(&#name, #rows)),
            Some(Columns::Matrices(_)) => quote!(side_by_side(&#name, #rows)),
        };
        quote!(let #name: #ty = #krate::__private::#given;)
    }

    /// How many entries a list has in all.
    pub(super) fn entries_of_list(&self, id: Id) -> Option<TokenStream> {
        let list = self.program.graph.lists.borrow().get(&id).cloned()?;
        let (krate, name) = (self.krate, &list.name);
        if list.is_struct {
            return Some(quote!(#krate::__private::entries_of_struct(#name)));
        }
        Some(match list.element.map(|element| element.entries()) {
            None | Some(Some(1)) => quote!(#name.len()),
            Some(Some(n)) => {
                let n = proc_macro2::Literal::usize_unsuffixed(n);
                quote!(#n * #name.len())
            }
            Some(None) => quote!(#krate::__private::count(&#name)),
        })
    }

    /// A tangent of a list must be like it, element by element.
    pub(super) fn same_list(&self, derivative: Id, value: Id) -> Option<TokenStream> {
        let entries = self.entries_of_list(value);
        let lists = self.program.graph.lists.borrow();
        let (derivative, value) = (lists.get(&derivative)?, lists.get(&value)?);
        let (a, b) = (&derivative.name, &value.name);
        let ragged = value.element.as_ref().is_some_and(|e| e.is_dynamic());
        let krate = self.krate;
        if value.is_struct {
            let count = quote!(#krate::__private::entries_of_struct);
            return Some(quote!(::core::assert_eq!(#count(#a), #count(#b));));
        }
        if let (Some(_), None) = (&value.element, &derivative.element) {
            // It is the slice of all entries.
            return Some(quote!(::core::assert_eq!(#a.len(), #entries);));
        }
        Some(if ragged {
            quote!(#krate::__private::assert_same_shapes(&#a, &#b);)
        } else {
            quote!(::core::assert_eq!(#a.len(), #b.len());)
        })
    }

    /// `xs[i]`: an element of a list, where it is.
    pub(super) fn element(&self, id: Id) -> Option<TokenStream> {
        let Op::Part(part) = self.op(id) else {
            return None;
        };
        let list = self.args(id)[0];
        let index = self.index_of_element(part, self.args(id), list)?;
        let lists = self.program.graph.lists.borrow();
        let name = &lists.get(&list)?.name;
        Some(quote!(#name[#index]))
    }

    /// The index of the element of a list that a part of its entries is.
    fn index_of_element(&self, part: &Part, args: &[Id], list: Id) -> Option<TokenStream> {
        let lists = self.program.graph.lists.borrow();
        let shape = lists.get(&list)?.element.as_ref()?;
        let whole = matches!(part, Part::Element(..));
        if !matches!(part, Part::Rows | Part::FixedRows(_) if shape.is_column()) && !whole {
            return None;
        }
        let graph = &self.program.graph;
        if let Some(index) = graph.elements.borrow().get(&args[1]) {
            return Some(graph.leaf_of(*index)?.name);
        }
        let index = graph.integer_value(args[1])? / shape.entries()?.max(1);
        Some(proc_macro2::Literal::usize_unsuffixed(index).to_token_stream())
    }

    /// Whether a name for the value would be a view of another, or a reference to a part of one.
    pub(super) fn borrows_place(&self, id: Id) -> bool {
        matches!(self.op(id), Op::Part(part) if part.is_view())
            || self.is_dynamic(id) && self.element(id).is_some()
    }

    /// Derivatives by lists all of whose terms are elements: they are lists from the start.
    pub(super) fn find_lists(&mut self, returns: &Returns) {
        match returns {
            Returns::Tuple(parts) => parts.iter().for_each(|part| self.find_lists(part)),
            Returns::Pullback(pullback) => self.find_lists(&pullback.body),
            Returns::Struct(_, fields) => {
                fields
                    .iter()
                    .for_each(|(_, part)| self.find_handed_on(part));
            }
            Returns::Like(Some(id), list) => {
                let answers = self.outputs.iter().filter(|output| *output == id).count();
                if answers == 1 && self.uses[id.0 as usize].is_empty() {
                    let mut terms = Vec::new();
                    self.terms(*id, false, &mut terms);
                    if terms
                        .iter()
                        .all(|t| self.index_of_term(t.0, *list).is_some())
                    {
                        self.lists.insert(*id, *list);
                    }
                }
            }
            _ => {}
        }
    }

    /// The gradient by a struct that one call gives, and nothing else is added to: it is handed on as it is.
    fn find_handed_on(&mut self, part: &Returns) {
        let Returns::Like(Some(id), whole) = part else {
            return;
        };
        let lists = self.program.graph.lists.borrow();
        let is_struct = lists.get(whole).is_some_and(|list| list.is_struct);
        let answers = self.outputs.iter().filter(|output| *output == id).count();
        let alone = answers == 1 && self.uses[id.0 as usize].is_empty();
        let context = self.context[id.0 as usize];
        let (Op::Item(place), [of]) = (self.op(*id), self.args(*id)) else {
            return;
        };
        let (Op::CallAdjoint(_) | Op::CallAdjointTangent(_)) = self.op(*of) else {
            return;
        };
        let Op::Call(number) = self.op(self.args(*of)[0]) else {
            return;
        };
        let calls = self.program.graph.calls.borrow();
        let given = matches!(calls[*number].whole_at(place), Some(Whole::Struct(_)));
        if is_struct && alone && given && context <= PULLBACK {
            self.handed_on.insert(*id);
        }
    }

    fn index_of_term(&self, term: Id, list: Id) -> Option<TokenStream> {
        match self.op(term) {
            Op::Scatter(part) => self.index_of_element(part, self.args(term), list),
            _ => None,
        }
    }

    /// A derivative that is a list: its elements are added to in place.
    pub(super) fn write_list(&mut self, id: Id, list: Id, name: &Ident) {
        let Some(leaf) = self.program.graph.lists.borrow().get(&list).cloned() else {
            return;
        };
        let mut terms = Vec::new();
        self.terms(id, false, &mut terms);
        let (krate, own) = (self.krate, &leaf.name);
        let zeros = match leaf.length {
            Some(_) => Ident::new("zeros_of_array", Span::call_site()),
            None => Ident::new("zeros_of", Span::call_site()),
        };
        self.out
            .push(quote!(let mut #name = #krate::__private::#zeros(&#own);));
        for (term, negative) in terms {
            if let Some(index) = self.index_of_term(term, list) {
                self.reach_index(self.args(term)[1]);
                self.add_into(&quote!(#name[#index]), self.args(term)[0], negative);
            }
        }
    }

    /// Adds the entries of a matrix to some rows of a column.
    pub(super) fn add_entries(&mut self, rows: &TokenStream, value: Id, negative: bool) {
        let value = self.by_reference(value);
        let krate = self.krate;
        let add = if negative {
            "subtract_entries"
        } else {
            "add_entries"
        };
        let add = Ident::new(add, Span::call_site());
        self.out
            .push(quote!(#krate::__private::#add(&mut #rows, #value);));
    }
}
