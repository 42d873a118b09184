//! Derivatives by parameters that have parts: structs, and matrices of blocks.

use super::{Block, Blocks, Emit, Fields, Returns};
use crate::graph::{Dim, Member, Shape};
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};

impl Emit<'_> {
    /// A struct that is zero but for some fields. A part that was given to a call as a whole comes before its own fields,
    /// which are added to it.
    pub(super) fn written_struct(
        &mut self,
        parameter: &TokenStream,
        fields: &[(Vec<Member>, Returns)],
    ) -> TokenStream {
        let krate = self.krate;
        // These are statements of their own, before all that is returned: they move nothing that the parts before have read.
        self.begin_part();
        let read = self.pending.clone();
        self.unmovable.extend(read);
        let mut fields: Vec<&(Vec<Member>, Returns)> = fields.iter().collect();
        fields.sort_by_key(|(path, _)| path.len());
        let mut values: Vec<(&Vec<Member>, TokenStream)> = Vec::new();
        for (path, derivative) in fields {
            // What is zero already needs no place.
            if !matches!(derivative, Returns::Like(None, _)) {
                values.push((path, self.written_result(derivative)));
            }
        }
        let whole = match values.first() {
            Some((path, _)) if path.is_empty() => Some(values.remove(0).1),
            _ => None,
        };
        if let (Some(whole), true) = (&whole, values.is_empty()) {
            return whole.clone();
        }
        let name = self.fresh(&format!("{}_bar", crate::lower::identifier(parameter)));
        let is_whole = whole.is_some();
        let whole = whole.unwrap_or_else(|| quote!(#krate::__private::zeros_of_struct(#parameter)));
        self.out.push(quote!(let mut #name = #whole;));
        for (k, (path, value)) in values.iter().enumerate() {
            let covered = values[..k].iter().any(|(whole, _)| path.starts_with(whole));
            self.out.push(if is_whole || covered {
                let value = super::borrowed(value);
                quote!(#krate::__private::add_to_field(&mut #name #(#path)*, #value);)
            } else {
                quote!(#name #(#path)* = #value;)
            });
        }
        name.to_token_stream()
    }

    /// Derivatives by the parts of a parameter, in one matrix.
    pub(super) fn written_blocks(&mut self, all: &Blocks) -> TokenStream {
        fn rows(block: &Block) -> Option<&Dim> {
            block.1.as_ref().map(|s| &s.rows)
        }
        fn cols(block: &Block) -> Option<&Dim> {
            block.1.as_ref().map(|s| &s.cols)
        }
        let Blocks { blocks, shape, .. } = all;
        let down: Vec<_> = blocks
            .iter()
            .map(|line| line.first().and_then(rows))
            .collect();
        let across: Vec<_> = blocks.iter().take(1).flatten().map(cols).collect();
        let (down, across) = (
            self.starts(&down, all.rows.as_ref()),
            self.starts(&across, all.cols.as_ref()),
        );
        let ty = match (&shape.rows, &shape.cols) {
            (Dim::Static(_), Dim::Static(_)) => self.matrix_type(shape),
            _ => {
                let (nalgebra, real) = (&self.nalgebra, self.real);
                quote!(#nalgebra::DMatrix::<#real>)
            }
        };
        let sizes = shape.is_dynamic().then(|| {
            let (rows, cols) = (down.last(), across.last());
            quote!(#rows, #cols)
        });
        // Blocks of a struct as a whole, and of its fields, are in the same place.
        let overlaps = |fields: &Option<Fields>| {
            fields.as_ref().is_some_and(|(_, paths)| {
                let within = |k: usize| {
                    let mut others = paths.iter().enumerate().filter(|(j, _)| *j != k);
                    others.any(|(_, other)| other.starts_with(&paths[k]))
                };
                (0..paths.len()).any(within)
            })
        };
        let adds = overlaps(&all.rows) || overlaps(&all.cols);
        let name = self.fresh("whole");
        self.out.push(quote!(let mut #name = #ty::zeros(#sizes);));
        // A Hessian is exactly symmetric: what is added up in two blocks is so in the same order.
        let text = |fields: &Option<Fields>| fields.as_ref().map(|f| f.0.to_string());
        let flipped = adds && text(&all.rows) > text(&all.cols);
        let mut places: Vec<(usize, usize)> = (0..blocks.len())
            .flat_map(|row| (0..across.len() - 1).map(move |col| (row, col)))
            .collect();
        places.sort_by_key(|(row, col)| if flipped { (*col, *row) } else { (*row, *col) });
        for (row, col) in places {
            let (i, j) = (&down[row], &across[col]);
            let Some((Some(id), shape)) = blocks[row].get(col) else {
                continue;
            };
            let Some(Shape { rows, cols }) = shape else {
                let value = self.read(*id).tokens;
                let assigned = if adds { quote!(+=) } else { quote!(=) };
                self.out.push(quote!(#name[(#i, #j)] #assigned #value;));
                continue;
            };
            let value = self.by_reference(*id);
            let (r, c) = (self.dim(rows), self.dim(cols));
            let known = |d: &Dim| !matches!(d, Dim::Dynamic(_));
            let block = self.fresh("block");
            self.out.push(if adds {
                quote! {
                    let mut #block = #name.view_mut((#i, #j), (#r, #c));
                    #block += #value;
                }
            } else if known(rows) && known(cols) {
                quote!(#name.fixed_view_mut::<#r, #c>(#i, #j).copy_from(#value);)
            } else {
                quote!(#name.view_mut((#i, #j), (#r, #c)).copy_from(#value);)
            });
        }
        if adds && all.rows.is_some() && text(&all.rows) == text(&all.cols) {
            self.out
                .push(quote!(#name.fill_lower_triangle_with_upper_triangle();));
        }
        name.to_token_stream()
    }

    /// Where blocks of these sizes start, and where the last one ends.
    fn starts(&self, sizes: &[Option<&Dim>], of: Option<&Fields>) -> Vec<TokenStream> {
        if let Some((parameter, paths)) = of {
            let krate = self.krate;
            let start = |path: &Vec<Member>| {
                let steps = (0..path.len()).map(|k| {
                    let (before, member) = (&path[..k], &path[k]);
                    let member = match member {
                        Member::Named(name) => {
                            let name = syn::ext::IdentExt::unraw(name).to_string();
                            quote!(Field(#name))
                        }
                        Member::Unnamed(number) => {
                            let name = number.to_string();
                            quote!(Field(#name))
                        }
                        Member::Index(index) => {
                            let index = Literal::usize_unsuffixed(*index);
                            quote!(Index(#index))
                        }
                    };
                    let of = match before {
                        [] => parameter.clone(),
                        before => quote!(&(#parameter) #(#before)*),
                    };
                    quote!(#krate::__private::start(#of, #krate::__private::Member::#member))
                });
                match path.is_empty() {
                    true => quote!(0),
                    false => quote!(#(#steps)+*),
                }
            };
            let mut starts: Vec<TokenStream> = paths.iter().map(start).collect();
            starts.push(quote!(#krate::__private::entries_of_struct(#parameter)));
            return starts;
        }
        let size = |dims: &[Option<&Dim>]| -> TokenStream {
            let mut known = 0;
            let mut more = Vec::new();
            for dim in dims {
                match dim {
                    None => known += 1,
                    Some(Dim::Static(n)) => known += n,
                    Some(dim) => more.push(self.dim(dim)),
                }
            }
            let literal = Literal::usize_unsuffixed(known);
            match (known, &more[..]) {
                (_, []) => quote!(#literal),
                (0, more) => quote!(#(#more)+*),
                (_, more) => quote!(#literal + #(#more)+*),
            }
        };
        (0..=sizes.len()).map(|k| size(&sizes[..k])).collect()
    }
}
