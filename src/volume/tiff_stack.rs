//! What the description of a TIFF file says of its pages: how many, along which axes, how large.
//!
//! ImageJ writes lines of `key=value`, OME an XML text, tifffile a JSON object. Only these are
//! asked for the spacing. The X and Y resolution of a plain TIFF file are no spacing: they say
//! nothing of z, and are as a rule those of a printer (72 or 300 an inch).

use quick_xml::events::Event;

use crate::error::{Error, Result};
use crate::volume::shape::{Spacing, Unit};
use crate::volume::tiff_directory::{Directory, TiffFile, tag};

/// What a description says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Stack {
    /// The number of slices, where it is told.
    pub(crate) slices: Option<u64>,
    /// Whether one directory may stand for slices that follow each other in the file, as ImageJ
    /// writes stacks of more than 4 GiB.
    pub(crate) one_directory: bool,
    pub(crate) spacing: Spacing,
}

impl Stack {
    /// Reads the description in the first directory.
    pub(crate) fn read(file: &TiffFile, directory: &Directory) -> Result<Self> {
        let text = directory.text(file, tag::DESCRIPTION).unwrap_or_default();
        if text.starts_with("ImageJ=") {
            let edge = |tag| directory.rational(file, tag).map(f64::recip);
            let edges = [edge(tag::Y_RESOLUTION), edge(tag::X_RESOLUTION)];
            let unit = match directory.number(file, tag::RESOLUTION_UNIT) {
                Some(2) => "inch",
                Some(3) => "cm",
                _ => "",
            };
            imagej(&file.name, &text, edges, unit)
        } else if text.trim_end().ends_with("OME>") {
            ome(&file.name, &text)
        } else if text.starts_with("{\"shape\":") {
            tifffile(&file.name, &text)
        } else {
            Ok(Self::default())
        }
    }
}

/// Refuses what has more than z, y and x.
fn refuse_axes(name: &str, others: &[(&str, u64)]) -> Result<()> {
    let more: Vec<_> = others.iter().filter(|(_, n)| *n > 1).map(|(axis, n)| format!("{n} {axis}")).collect();
    if more.is_empty() {
        return Ok(());
    }
    let what = more.join(" and ");
    let remedy =
        "save one volume (in ImageJ: Image > Duplicate), or where they are slices, say so (Image > Properties)";
    Err(Error::input(name, format!("has {what} beside z, y, x: {remedy}")))
}

/// A unit as any of the formats spells it: the [`Unit`], and how many of it make one.
fn parse_unit(text: &str) -> Option<(Unit, f64)> {
    match text.trim() {
        "inch" | "in" => Some((Unit::Mm, 25.4)),
        text => Unit::parse(text).map(|unit| (unit, 1.0)),
    }
}

/// Lengths with a unit each as a spacing in the unit of x; nothing where they do not make one.
fn spacing(edges: [(f64, &str); 3]) -> Option<Spacing> {
    let metres = |unit| match unit {
        Unit::Voxel => None,
        Unit::Nm => Some(1e-9),
        Unit::Um => Some(1e-6),
        Unit::Mm => Some(1e-3),
        Unit::Cm => Some(1e-2),
        Unit::M => Some(1.0),
    };
    let (unit, _) = parse_unit(edges[2].1)?;
    let mut zyx = [0.0; 3];
    for (to, (edge, text)) in zyx.iter_mut().zip(edges) {
        let (own, factor) = parse_unit(text)?;
        *to = edge * factor * if own == unit { 1.0 } else { metres(own)? / metres(unit)? };
    }
    Spacing::new(zyx, unit).ok()
}

/// ImageJ: `spacing` is the edge along z and left out where it is 1; `unit` is that of x, and of y
/// and z unless they have their own.
fn imagej(name: &str, text: &str, [y, x]: [Option<f64>; 2], resolution_unit: &str) -> Result<Stack> {
    let value = |key: &str| {
        text.lines()
            .find_map(|line| line.split_once('=').filter(|(left, _)| *left == key))
            .map(|(_, right)| right.trim())
    };
    let number = |key: &str| value(key).and_then(|text| text.parse::<u64>().ok());
    let axis = |key: &str| number(key).unwrap_or(1).max(1);
    let images = number("images");
    refuse_axes(name, &[("channels", axis("channels")), ("frames", axis("frames"))])?;
    let depth = value("spacing").and_then(|text| text.parse::<f64>().ok()).map(f64::abs);
    // The depth of a lone slice is not known, though ImageJ takes it for 1.
    let depth = depth.or(images.filter(|n| *n > 1).map(|_| 1.0)).filter(|depth| *depth > 0.0);
    let unit = value("unit").unwrap_or(resolution_unit);
    let edges = depth.map(|z| {
        [
            (z, value("zunit").unwrap_or(unit)),
            (y.or(x).unwrap_or(1.0), value("yunit").unwrap_or(unit)),
            (x.unwrap_or(1.0), unit),
        ]
    });
    // Edges in an unknown unit still tell the shape of a voxel.
    let known = edges.and_then(|edges| spacing(edges).or_else(|| spacing(edges.map(|(edge, _)| (edge, "pixel")))));
    Ok(Stack { slices: images, one_directory: true, spacing: known.unwrap_or_default() })
}

/// OME-XML: the first `Pixels` element.
fn ome(name: &str, text: &str) -> Result<Stack> {
    let wrong = |cause| Error::input(name, "its OME-XML cannot be read: it is damaged").because(cause);
    let mut reader = quick_xml::Reader::from_str(text);
    let pixels = loop {
        match reader.read_event().map_err(wrong)? {
            Event::Start(element) | Event::Empty(element) if element.local_name().as_ref() == "Pixels" => {
                break element;
            }
            Event::Eof => return Ok(Stack::default()),
            _ => {}
        }
    };
    let value = |key: &str| {
        let attribute = pixels.try_get_attribute(key).ok().flatten()?;
        attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
    };
    let size = |key: &str| value(key).and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    refuse_axes(name, &[("channels", size("SizeC")), ("time points", size("SizeT"))])?;
    let edge = |axis: &str| {
        let length = value(&format!("PhysicalSize{axis}"))?.parse::<f64>().ok()?;
        Some((length, value(&format!("PhysicalSize{axis}Unit")).unwrap_or_else(|| "µm".into())))
    };
    let edges = edge("X").zip(edge("Y")).zip(edge("Z"));
    let known = edges.and_then(|((x, y), z)| spacing([(z.0, &z.1), (y.0, &y.1), (x.0, &x.1)]));
    Ok(Stack { slices: Some(size("SizeZ")), one_directory: false, spacing: known.unwrap_or_default() })
}

/// tifffile: the shape of the array, and its axes where they were named.
fn tifffile(name: &str, text: &str) -> Result<Stack> {
    let Ok(object) = serde_json::from_str::<serde_json::Value>(text) else { return Ok(Stack::default()) };
    let shape: Option<Vec<u64>> =
        object["shape"].as_array().and_then(|sizes| sizes.iter().map(serde_json::Value::as_u64).collect());
    let Some(shape) = shape else { return Ok(Stack::default()) };
    let axes = object["axes"].as_str().unwrap_or_default();
    let named: Vec<char> = axes.chars().collect();
    let of = |axis| named.iter().zip(&shape).find(|(name, _)| **name == axis).map_or(1, |(_, n)| *n);
    refuse_axes(name, &[("channels", of('C')), ("time points", of('T')), ("samples", of('S'))])?;
    let long: Vec<u64> = shape.iter().copied().filter(|n| *n > 1).collect();
    if shape.len() > 3 && long.len() > 3 {
        let sizes: Vec<_> = shape.iter().map(u64::to_string).collect();
        let sizes = sizes.join("x");
        return Err(Error::input(name, format!("holds an array of {sizes}: save one volume of it, with three axes")));
    }
    // Slices that were appended one by one are each described as an array of one.
    let slices = shape.iter().rev().skip(2).copied().fold(1, u64::saturating_mul);
    Ok(Stack {
        slices: (slices > 1).then_some(slices),
        one_directory: object["truncated"] == true,
        spacing: Spacing::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_imagej(text: &str) -> Stack {
        imagej("scan.tif", text, [Some(0.15), Some(0.15)], "").unwrap()
    }

    #[test]
    fn imagej_names_micrometres_in_many_ways() {
        for unit in ["micron", "um", "µm", "\\u00B5m", "microns"] {
            let stack = of_imagej(&format!("ImageJ=1.53\nimages=5\nslices=5\nunit={unit}\nspacing=0.235\n"));
            assert_eq!(stack.spacing, Spacing { zyx: [0.235, 0.15, 0.15], unit: Unit::Um }, "{unit}");
            assert_eq!((stack.slices, stack.one_directory), (Some(5), true));
        }
    }

    #[test]
    fn imagej_leaves_out_a_depth_of_one() {
        assert_eq!(of_imagej("ImageJ=1.53\nimages=5\nunit=mm\n").spacing.zyx, [1.0, 0.15, 0.15]);
        assert_eq!(of_imagej("ImageJ=1.53\nunit=mm\n").spacing, Spacing::default());
        let inches = imagej("scan.tif", "ImageJ=1.53\nimages=2\nspacing=-2\n", [Some(1.0), Some(1.0)], "inch").unwrap();
        assert_eq!(inches.spacing, Spacing { zyx: [50.8, 25.4, 25.4], unit: Unit::Mm });
    }

    #[test]
    fn channels_and_frames_are_refused_by_name() {
        let text = "ImageJ=1.53\nimages=30\nchannels=2\nslices=5\nframes=3\nhyperstack=true\n";
        let message = imagej("scan.tif", text, [None, None], "").unwrap_err().to_string();
        assert!(message.contains("2 channels and 3 frames"), "{message}");
        assert!(tifffile("scan.tif", "{\"shape\": [2, 5, 8, 8]}").is_err());
        assert!(tifffile("scan.tif", "{\"shape\": [5, 8, 8], \"axes\": \"TYX\"}").is_err());
        assert_eq!(tifffile("scan.tif", "{\"shape\": [1, 5, 8, 8]}").unwrap().slices, Some(5));
    }

    #[test]
    fn ome_tells_sizes_each_in_its_unit() {
        let text = "<?xml version=\"1.0\"?><OME xmlns=\"x\"><Image ID=\"a\"><Pixels SizeC=\"1\" SizeT=\"1\" SizeZ=\"7\" \
                    PhysicalSizeX=\"0.5\" PhysicalSizeY=\"500\" PhysicalSizeYUnit=\"nm\" PhysicalSizeZ=\"0.002\" \
                    PhysicalSizeZUnit=\"mm\"><TiffData/></Pixels></Image></OME>";
        let stack = ome("scan.tif", text).unwrap();
        assert_eq!(stack.slices, Some(7));
        assert_eq!(stack.spacing.unit, Unit::Um);
        for (edge, wanted) in stack.spacing.zyx.iter().zip([2.0, 0.5, 0.5]) {
            assert!((edge - wanted).abs() < 1e-12, "{:?}", stack.spacing);
        }
        assert!(ome("scan.tif", &text.replace("SizeC=\"1\"", "SizeC=\"2\"")).is_err());
    }
}
