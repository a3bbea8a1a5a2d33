//! Voxel types, and a box of voxels of whichever type a file holds.

use std::fmt;
use std::str::FromStr;

use ndarray::{ArcArray, Array3, ArrayView3, Ix3, s};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::volume::region::Region;
use crate::volume::shape::Shape;

/// A type that a voxel can have.
pub trait Voxel: bytemuck::Pod + PartialOrd + PartialEq + fmt::Debug + fmt::Display + Default + Send + Sync {
    /// Its name at run time.
    const DTYPE: Dtype;

    /// The value as a float; integers above 2^53 are rounded.
    fn to_f64(self) -> f64;

    /// The value as a label, where it is one: an integer that is not negative.
    fn to_label(self) -> Option<u64>;

    /// The nearest value of this type: floats are rounded and saturate.
    fn from_f64(value: f64) -> Self;

    /// The integral part of the value.
    fn to_i128(self) -> i128;

    /// The nearest value of this type; integers out of its range saturate.
    fn from_i128(value: i128) -> Self;

    /// Whether it is NaN.
    #[inline]
    fn is_nan(self) -> bool {
        self.partial_cmp(&self).is_none()
    }

    /// The box of voxels as a [`Voxels`].
    fn wrap(array: ArcArray<Self, Ix3>) -> Voxels;

    /// The box of voxels, where it is of this type.
    fn unwrap(voxels: &Voxels) -> Option<&ArcArray<Self, Ix3>>;
}

macro_rules! voxel_types {
    ($($variant:ident $type:ty, $name:literal, $label:expr;)*) => {
        /// The type of a volume's voxels.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[allow(missing_docs)]
        pub enum Dtype { $($variant,)* }

        impl Dtype {
            /// Every type, in order of kind and size.
            pub const ALL: &[Dtype] = &[$(Dtype::$variant,)*];

            /// Bytes a voxel.
            pub fn bytes(self) -> usize {
                match self { $(Dtype::$variant => size_of::<$type>(),)* }
            }

            /// The name, as NumPy has it.
            pub fn name(self) -> &'static str {
                match self { $(Dtype::$variant => $name,)* }
            }
        }

        /// A box of voxels of one of the types, C order, axes z, y, x, x contiguous.
        ///
        /// Shared: a clone or a [`part`](Voxels::part) copies nothing.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Voxels { $($variant(ArcArray<$type, Ix3>),)* }

        $(impl Voxel for $type {
            const DTYPE: Dtype = Dtype::$variant;

            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }

            #[inline]
            fn to_label(self) -> Option<u64> {
                let label: fn($type) -> Option<u64> = $label;
                label(self)
            }

            #[inline]
            fn from_f64(value: f64) -> Self {
                let value = if Self::DTYPE.is_float() { value } else { value.round_ties_even() };
                value as $type
            }

            #[inline]
            fn to_i128(self) -> i128 {
                self as i128
            }

            #[inline]
            fn from_i128(value: i128) -> Self {
                value.clamp(<$type>::MIN as i128, <$type>::MAX as i128) as $type
            }

            fn wrap(array: ArcArray<Self, Ix3>) -> Voxels {
                Voxels::$variant(array)
            }

            fn unwrap(voxels: &Voxels) -> Option<&ArcArray<Self, Ix3>> {
                match voxels {
                    Voxels::$variant(array) => Some(array),
                    _ => None,
                }
            }
        })*
    };
}

voxel_types! {
    U8 u8, "uint8", |v| Some(u64::from(v));
    U16 u16, "uint16", |v| Some(u64::from(v));
    U32 u32, "uint32", |v| Some(u64::from(v));
    U64 u64, "uint64", Some;
    I8 i8, "int8", |v| u64::try_from(v).ok();
    I16 i16, "int16", |v| u64::try_from(v).ok();
    I32 i32, "int32", |v| u64::try_from(v).ok();
    I64 i64, "int64", |v| u64::try_from(v).ok();
    F32 f32, "float32", |_| None;
    F64 f64, "float64", |_| None;
}

/// Runs an expression on the array inside a [`Voxels`], whatever its type.
macro_rules! each_voxel_type {
    ($voxels:expr, $array:ident => $body:expr) => {{
        use $crate::volume::voxel::Voxels;
        match $voxels {
            Voxels::U8($array) => $body,
            Voxels::U16($array) => $body,
            Voxels::U32($array) => $body,
            Voxels::U64($array) => $body,
            Voxels::I8($array) => $body,
            Voxels::I16($array) => $body,
            Voxels::I32($array) => $body,
            Voxels::I64($array) => $body,
            Voxels::F32($array) => $body,
            Voxels::F64($array) => $body,
        }
    }};
}
pub(crate) use each_voxel_type;

/// Runs an expression with `$T` standing for the type that a [`Dtype`] names.
macro_rules! with_voxel_type {
    ($dtype:expr, $T:ident => $body:expr) => {{
        macro_rules! arm {
            ($type:ty) => {{
                type $T = $type;
                $body
            }};
        }
        match $dtype {
            $crate::volume::voxel::Dtype::U8 => arm!(u8),
            $crate::volume::voxel::Dtype::U16 => arm!(u16),
            $crate::volume::voxel::Dtype::U32 => arm!(u32),
            $crate::volume::voxel::Dtype::U64 => arm!(u64),
            $crate::volume::voxel::Dtype::I8 => arm!(i8),
            $crate::volume::voxel::Dtype::I16 => arm!(i16),
            $crate::volume::voxel::Dtype::I32 => arm!(i32),
            $crate::volume::voxel::Dtype::I64 => arm!(i64),
            $crate::volume::voxel::Dtype::F32 => arm!(f32),
            $crate::volume::voxel::Dtype::F64 => arm!(f64),
        }
    }};
}
pub(crate) use with_voxel_type;

impl Dtype {
    /// Whether it is a float.
    pub fn is_float(self) -> bool {
        matches!(self, Dtype::F32 | Dtype::F64)
    }

    /// The smallest unsigned type that holds `max`.
    pub fn for_labels(max: u64) -> Self {
        match max {
            0..=0xff => Dtype::U8,
            0x100..=0xffff => Dtype::U16,
            0x1_0000..=0xffff_ffff => Dtype::U32,
            _ => Dtype::U64,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dtype {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let short = |dtype: Dtype| dtype.name().replace("uint", "u").replace("int", "i").replace("float", "f");
        Dtype::ALL.iter().copied().find(|dtype| dtype.name() == text || short(*dtype) == text).ok_or_else(|| {
            let names: Vec<_> = Dtype::ALL.iter().map(|dtype| dtype.name()).collect();
            Error::usage(format!("«{text}» is not a voxel type: give one of {}", names.join(", ")))
        })
    }
}

impl Voxels {
    /// Voxels in C order that fill `shape`.
    ///
    /// # Panics
    /// Where their number is not that of `shape`.
    pub fn from_vec<T: Voxel>(shape: Shape, voxels: Vec<T>) -> Self {
        let array = Array3::from_shape_vec(shape.0, voxels).expect("as many voxels as the shape has");
        T::wrap(array.into_shared())
    }

    /// Zeros.
    pub fn zeros(dtype: Dtype, shape: Shape) -> Self {
        with_voxel_type!(dtype, T => T::wrap(ArcArray::zeros(shape.0)))
    }

    /// The type of each voxel.
    pub fn dtype(&self) -> Dtype {
        fn of<T: Voxel>(_: &ArcArray<T, Ix3>) -> Dtype {
            T::DTYPE
        }
        each_voxel_type!(self, array => of(array))
    }

    /// The size of the box.
    pub fn shape(&self) -> Shape {
        each_voxel_type!(self, array => Shape(array.dim().into()))
    }

    /// The array, where its type is `T`.
    pub fn view<T: Voxel>(&self) -> Option<ArrayView3<'_, T>> {
        T::unwrap(self).map(|array| array.view())
    }

    /// A part of the box, shared, not copied. `region` counts from the corner of this box.
    ///
    /// # Panics
    /// Where the region leaves the box.
    pub fn part(&self, region: &Region) -> Voxels {
        fn cut<T: Voxel>(array: &ArcArray<T, Ix3>, region: &Region) -> Voxels {
            T::wrap(array.clone().slice_move(s![region.range(0), region.range(1), region.range(2)]))
        }
        if Region::whole(self.shape()) == *region {
            return self.clone();
        }
        each_voxel_type!(self, array => cut(array, region))
    }

    /// The box with every voxel as the nearest value of `dtype`; between integers exact, where
    /// the value is in its range.
    pub fn cast(&self, dtype: Dtype) -> Voxels {
        // A row at a time goes through one type between, so that there are not as many copies of
        // this as pairs of types.
        fn through<U, T: Voxel>(
            shape: Shape,
            read: &dyn Fn(usize, usize, &mut Vec<U>),
            make: impl Fn(&U) -> T + Copy,
        ) -> Voxels {
            let mut voxels = Vec::with_capacity(shape.0.iter().product());
            let mut between = Vec::with_capacity(shape.0[2]);
            for (z, y) in Region::whole(shape).rows() {
                read(z, y, &mut between);
                voxels.extend(between.iter().map(make));
            }
            Voxels::from_vec(shape, voxels)
        }
        if self.dtype() == dtype {
            return self.clone();
        }
        let shape = self.shape();
        if self.dtype().is_float() || dtype.is_float() {
            let read = |z, y, between: &mut Vec<f64>| {
                between.clear();
                each_voxel_type!(self, array => between.extend(row(array, z, y).iter().map(|value| value.to_f64())));
            };
            with_voxel_type!(dtype, T => through(shape, &read, |value| <T as Voxel>::from_f64(*value)))
        } else {
            let read = |z, y, between: &mut Vec<i128>| {
                between.clear();
                each_voxel_type!(self, array => between.extend(row(array, z, y).iter().map(|value| value.to_i128())));
            };
            with_voxel_type!(dtype, T => through(shape, &read, |value| <T as Voxel>::from_i128(*value)))
        }
    }

    /// Takes the values into a digest, in raster order: the same bytes however the box is held.
    pub(crate) fn absorbed_by(&self, hash: &mut Xxh3) {
        each_voxel_type!(self, array => {
            for (z, y) in Region::whole(self.shape()).rows() {
                hash.update(bytemuck::cast_slice(row(array, z, y)));
            }
        });
    }

    /// The voxel at a place, as a float.
    pub fn get(&self, [z, y, x]: [usize; 3]) -> f64 {
        each_voxel_type!(self, array => array[[z, y, x]].to_f64())
    }
}

/// The row (z, y) of a box, as a slice.
///
/// # Panics
/// Where the row leaves the box, or x is not contiguous, which a [`Voxels`] never lets happen.
#[inline]
pub fn row<T>(array: &ArcArray<T, Ix3>, z: usize, y: usize) -> &[T] {
    let (_, ny, nx) = array.dim();
    assert!(y < ny, "row {y} of {ny}");
    let plane = array.index_axis(ndarray::Axis(0), z);
    let row = plane.index_axis_move(ndarray::Axis(0), y);
    assert_eq!(row.len(), nx);
    row.to_slice().expect("rows of a box of voxels are contiguous")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_both_its_names() {
        assert_eq!("uint16".parse::<Dtype>().unwrap(), Dtype::U16);
        assert_eq!("f4".parse::<Dtype>().ok(), None);
        assert_eq!("f32".parse::<Dtype>().unwrap(), Dtype::F32);
        assert_eq!("i8".parse::<Dtype>().unwrap(), Dtype::I8);
    }

    #[test]
    fn a_part_shares_and_keeps_its_rows_contiguous() {
        let all = Voxels::from_vec(Shape([3, 4, 5]), (0u16..60).collect());
        let part = all.part(&Region { start: [1, 1, 2], end: [3, 3, 4] });
        let array = u16::unwrap(&part).unwrap();
        assert_eq!(row(array, 1, 0), &[47, 48]);
        assert_eq!(part.get([0, 1, 1]), 33.0);
    }

    #[test]
    fn casting_rounds_and_saturates() {
        let floats = Voxels::from_vec(Shape([1, 1, 4]), vec![-3.0f32, 0.5, 1.5, 300.0]);
        assert_eq!(floats.cast(Dtype::U8), Voxels::from_vec(Shape([1, 1, 4]), vec![0u8, 0, 2, 255]));
    }
}
