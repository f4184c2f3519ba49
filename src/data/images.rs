//! Data sets of images in their own formats: MNIST (idx), CIFAR-10 (binary), digits (embedded).

use super::idx::bytes_of;
use super::inflate::{self, Content};
use super::{Examples, Files, Flaw, Numbers, sha256};

/// A data set that can be asked for by name.
pub struct Known {
    /// The function that gives it.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Where it comes from.
    pub address: &'static str,
    /// The folder that holds it.
    pub folder: &'static str,
    /// Its files, and the SHA-256 of each without compression.
    pub files: &'static [(&'static str, &'static str)],
    /// How many bytes each file has without compression.
    pub sizes: &'static [u64],
}

/// The data sets that are read from files.
pub const KNOWN: &[Known] = &[
    Known {
        name: "mnist",
        about: "handwritten digits, 28 x 28: 60 000 to train, 10 000 to test (LeCun, Cortes and Burges)",
        address: "https://ossci-datasets.s3.amazonaws.com/mnist/",
        folder: "mnist",
        files: &[
            ("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            ("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            ("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            ("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ],
        sizes: &[47_040_016, 60_008, 7_840_016, 10_008],
    },
    Known {
        name: "cifar10",
        about: "colour images, 3 x 32 x 32: 50 000 to train, 10 000 to test (Krizhevsky 2009)",
        address: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        folder: "cifar-10",
        files: &[
            ("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
            ("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
            ("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
            ("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
            ("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
            ("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
        ],
        sizes: &[30_730_000; 6],
    },
];

/// Parts of a data set, by name.
pub type Parts = Vec<(&'static str, Examples)>;

/// Why a data set cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unavailable {
    /// A file was not found.
    Missing(String),
    /// A file is not what it should be; with the reason.
    Damaged(String, String),
}

/// Returns how many bytes of memory a data set takes while it is read: its files, and the same again as images and labels.
pub fn bytes_to_read(name: &str) -> u64 {
    KNOWN.iter().find(|k| k.name == name).map_or(0, |k| 2 * k.sizes.iter().sum::<u64>())
}

/// Reads a data set by the name of its function.
pub fn images(name: &str, files: &dyn Files) -> Result<Parts, Unavailable> {
    if name == "digits" {
        return Ok(digits());
    }
    let Some(known) = KNOWN.iter().find(|k| k.name == name) else { crate::ice!("an unknown data set") };
    let mut contents = Vec::new();
    for (file, digest) in known.files {
        contents.push(checked(known.folder, file, digest, files)?);
    }
    let damaged = |k: usize, why: String| Unavailable::Damaged(known.files[k].0.into(), why);
    if name == "mnist" {
        let part = |part: &'static str, k: usize| -> Result<(&'static str, Examples), Unavailable> {
            let (pixels, n) = bytes_of(&contents[k], 3).map_err(|why| damaged(k, why))?;
            let (labels, m) = bytes_of(&contents[k + 1], 1).map_err(|why| damaged(k + 1, why))?;
            if n != m {
                return Err(damaged(k + 1, format!("{m} labels for {n} images")));
            }
            Ok(labelled("mnist", part, pixels.to_vec(), labels.to_vec()))
        };
        return Ok(vec![part("train", 0)?, part("test", 2)?]);
    }
    let part = |part: &'static str, batches: std::ops::Range<usize>| {
        let bytes: usize = contents[batches.clone()].iter().map(Vec::len).sum();
        let (mut pixels, mut labels) = (Vec::with_capacity(bytes), Vec::with_capacity(bytes / 3073));
        for k in batches {
            let records = contents[k].chunks_exact(3073);
            if !records.remainder().is_empty() {
                let at = contents[k].len() - records.remainder().len();
                return Err(damaged(k, format!("the record at byte {at} is cut short")));
            }
            for r in records {
                labels.push(r[0]);
                pixels.extend_from_slice(&r[1..]);
            }
        }
        Ok(labelled("cifar10", part, pixels, labels))
    };
    Ok(vec![part("train", 0..5)?, part("test", 5..6)?])
}

/// Reads a set of labelled images in the files that MNIST is published in, from another folder: with as many classes as there are labels up
/// to the largest. The error names the file.
pub fn like_mnist(folder: &str, files: &dyn Files) -> Result<Parts, (String, Flaw)> {
    let content = |name: &str| {
        let path = format!("{folder}/{name}");
        let found = ["", ".gz", ".xz"].iter().find_map(|ending| {
            let path = format!("{path}{ending}");
            files.read(&path).ok().or_else(|| files.find(&path))
        });
        let fix = format!("put `{name}`, plain, as .gz or as .xz, into the folder `{folder}`");
        let bytes = found.ok_or_else(|| (path.clone(), Flaw::new("there is no such file", fix)))?;
        inflate::text(&bytes).map(std::borrow::Cow::into_owned).map_err(|flaw| (path, flaw))
    };
    let mut read = Vec::new();
    for (part, prefix) in [("train", "train"), ("test", "t10k")] {
        let names = [format!("{prefix}-images-idx3-ubyte"), format!("{prefix}-labels-idx1-ubyte")];
        let (images, labels) = (content(&names[0])?, content(&names[1])?);
        let damaged = |name: &str| {
            let path = format!("{folder}/{name}");
            move |what: String| (path, Flaw::new(what, "get the file anew"))
        };
        let (pixels, n) = bytes_of(&images, 3).map_err(damaged(&names[0]))?;
        let (labels, m) = bytes_of(&labels, 1).map_err(damaged(&names[1]))?;
        if n != m || n == 0 {
            return Err(damaged(&names[1])(format!("{m} labels for {n} images")));
        }
        read.push((part, pixels.to_vec(), labels.to_vec()));
    }
    let classes = read.iter().flat_map(|(_, _, labels)| labels).max().map_or(1, |most| u32::from(*most) + 1);
    let set = |(part, pixels, labels): (&'static str, Vec<u8>, Vec<u8>)| {
        let fields = vec![
            ("image".to_string(), None, Numbers::Bytes(pixels)),
            ("label".to_string(), Some(classes), Numbers::Bytes(labels)),
        ];
        let set = Examples::new(folder, fields, None);
        set.map(|e| (part, e)).map_err(|why| (folder.to_string(), Flaw::new(why, "get the files anew")))
    };
    read.into_iter().map(set).collect()
}

/// One part of a known data set: its files have been compared with their digests, so its name identifies it.
fn labelled(name: &str, part: &'static str, pixels: Vec<u8>, labels: Vec<u8>) -> (&'static str, Examples) {
    let fields = vec![
        ("image".to_string(), None, Numbers::Bytes(pixels)),
        ("label".to_string(), Some(10), Numbers::Bytes(labels)),
    ];
    match Examples::identified(name, &format!("{name}.{part}"), fields, None) {
        Ok(e) => (part, e),
        Err(why) => crate::ice!("{name}: {why}"),
    }
}

/// Reads a file, compressed or not, and compares its digest; of several files that should hold the same one that does.
pub fn checked(folder: &str, file: &str, digest: &str, files: &dyn Files) -> Result<Vec<u8>, Unavailable> {
    let names = [format!("{folder}/{file}"), file.to_string()];
    let all = names.iter().flat_map(|n| [n.clone(), format!("{n}.gz"), format!("{n}.xz")]);
    let size = KNOWN.iter().filter(|k| k.folder == folder).find_map(|k| {
        let place = k.files.iter().position(|(name, _)| *name == file)?;
        k.sizes.get(place).copied()
    });
    let Some(size) = size else { crate::ice!("a file of no known data set") };
    let mut damaged = None;
    for path in all {
        let Some(bytes) = files.find(&path) else { continue };
        match unpacked(&bytes, size, digest) {
            Ok(content) => {
                if path.ends_with(".xz") {
                    files.keep(&names[0], &content);
                }
                return Ok(content);
            }
            Err(why) => damaged = damaged.or(Some(why)),
        }
    }
    Err(match damaged {
        Some(why) => Unavailable::Damaged(file.to_string(), why),
        None => Unavailable::Missing(file.to_string()),
    })
}

/// Returns the content of a file if it is as long as it should be and has the right digest.
fn unpacked(bytes: &[u8], size: u64, digest: &str) -> Result<Vec<u8>, String> {
    let content = match Content::of(bytes).rest(size) {
        Ok(Some(content)) if content.len() as u64 == size => content,
        Ok(Some(content)) => return Err(format!("its content has {} bytes, not {size}", content.len())),
        Ok(None) => return Err(format!("its content has more than {size} bytes")),
        Err(flaw) => return Err(flaw.what),
    };
    let found = sha256(&content);
    match found == digest {
        true => Ok(content),
        false => Err(format!("its {} bytes have the SHA-256 {found}, not {digest}", content.len())),
    }
}

/// Examples of the digits that are for training, of all 1 797.
const DIGITS_TO_TRAIN: usize = 1297;

/// The handwritten digits that are part of the binary.
fn digits() -> Parts {
    let bytes = include_bytes!("../../examples/data/digits/digits.csv.gz");
    let text = super::inflate::text(bytes).unwrap_or_else(|flaw| crate::ice!("embedded digits: {}", flaw.what));
    let text = String::from_utf8_lossy(&text);
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut row: Vec<u8> = line.split(',').filter_map(|x| x.trim().parse::<f64>().ok()).map(|x| x as u8).collect();
        labels.extend(row.pop());
        pixels.extend(row);
    }
    let (first, last) = (pixels[..DIGITS_TO_TRAIN * 64].to_vec(), pixels[DIGITS_TO_TRAIN * 64..].to_vec());
    vec![
        labelled("digits", "train", first, labels[..DIGITS_TO_TRAIN].to_vec()),
        labelled("digits", "test", last, labels[DIGITS_TO_TRAIN..].to_vec()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(Vec<(&'static str, Vec<u8>)>);

    impl Files for Folder {
        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            self.find(path).ok_or("missing".into())
        }
        fn find(&self, path: &str) -> Option<Vec<u8>> {
            self.0.iter().find(|(n, _)| *n == path).map(|(_, b)| b.clone())
        }
    }

    #[test]
    fn digits_are_all_there() {
        let parts = digits();
        assert_eq!((parts[0].1.n, parts[1].1.n), (1297, 500));
        assert_eq!(parts[0].1.fields[0].width, 64);
        // The first examples of the file are the digits in order.
        assert_eq!(parts[0].1.rows(1, &[0, 1, 2, 9]), [0.0, 1.0, 2.0, 9.0]);
        assert_eq!(parts[0].1.rows(0, &[0])[..8], [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn damage_is_found_and_said() {
        assert!(bytes_of(&[0, 0, 8, 3, 0, 0], 3).unwrap_err().contains("byte 6"));
        assert!(bytes_of(&[0, 0, 8, 3, 0, 0, 0, 1], 1).unwrap_err().contains("0x00000803"));
        assert!(bytes_of(&[0, 0, 8, 1, 0, 0, 0, 3, 7, 7], 1).unwrap_err().contains("2 bytes follow byte 8"));
        let huge = [&[0, 0, 8, 3][..], &[255; 12]].concat();
        assert!(bytes_of(&huge, 3).unwrap_err().contains("[4294967295, 4294967295, 4294967295]"));
        let none = Folder(Vec::new());
        assert_eq!(images("mnist", &none), Err(Unavailable::Missing("train-images-idx3-ubyte".into())));
        let bad = Folder(vec![("mnist/train-images-idx3-ubyte", vec![1, 2, 3])]);
        let Err(Unavailable::Damaged(file, why)) = images("mnist", &bad) else { panic!() };
        assert_eq!(file, "train-images-idx3-ubyte");
        assert_eq!(why, "its content has 3 bytes, not 47040016");
    }
}
