use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OVector, RealField};
use nalgrad::gradient;

#[gradient]
fn f<T: RealField + Copy, D: Dim>(x: &OVector<T, D>) -> T
where
    DefaultAllocator: Allocator<D>,
{
    x.norm_squared()
}

#[gradient]
fn g<T: RealField + Copy>(x: T) -> T {
    T::from_f64(nalgebra::try_convert::<T, f64>(x).unwrap()).unwrap()
}

fn main() {}
