//! The machine's own limits, measured in the same run as what is compared with them.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

use hollowcast::cache::{StateDirectory, StateDirectoryOptions};
use hollowcast::environment::Environment;
use hollowcast::segment::Segment;

use super::generator::Stream;

/// Loads of which each one's address is what the one before it loaded, over as many bytes as the dataset has, in a file that is mapped like a
/// section: the least that an isolated lookup can cost.
pub struct DependentLoads {
    memory: Segment,
}

impl DependentLoads {
    /// One cycle through all words, in random order (Sattolo's algorithm), written into the state directory at `folder`.
    pub fn new(folder: &Path, bytes: u64) -> anyhow::Result<Self> {
        let words = (bytes / 8) as usize;
        let mut next: Vec<u64> = (0..words as u64).collect();
        let mut stream = Stream::new(1);
        for at in (1..words).rev() {
            next.swap(at, stream.below(at as u64) as usize);
        }
        let directory =
            StateDirectory::open(folder, StateDirectoryOptions::default(), Environment::system())?;
        let mut section = directory.create(8 + 8 * words as u64)?;
        section.write_all(&((words as u64) << 32).to_le_bytes())?;
        for chunk in next.chunks(128 * 1024) {
            section.write_all(&chunk.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        let memory = section.finish(None)?.seal()?;
        memory.prefault()?;
        Ok(Self { memory })
    }

    /// Nanoseconds a load.
    #[must_use]
    pub fn nanoseconds(&self, loads: u64) -> f64 {
        let (words, mut at) = (self.memory.words(), 0);
        let started = Instant::now();
        for _ in 0..loads {
            at = words[at as usize];
        }
        let elapsed = started.elapsed();
        black_box(at);
        elapsed.as_nanos() as f64 / loads as f64
    }

    /// Nanoseconds a load when none depends on another.
    #[must_use]
    pub fn independent_nanoseconds(&self, loads: u64) -> f64 {
        let (words, mut stream, mut sum) = (self.memory.words(), Stream::new(2), 0u64);
        let started = Instant::now();
        for _ in 0..loads {
            let at = ((u128::from(stream.draw()) * words.len() as u128) >> 64) as usize;
            sum = sum.wrapping_add(words[at]);
        }
        let elapsed = started.elapsed();
        black_box(sum);
        elapsed.as_nanos() as f64 / loads as f64
    }
}

/// Seconds to copy `bytes` from memory to memory, on one core.
#[must_use]
pub fn copy_seconds(bytes: u64) -> f64 {
    let from = vec![1u8; bytes as usize];
    let mut to = vec![0u8; bytes as usize];
    let started = Instant::now();
    to.copy_from_slice(black_box(&from));
    black_box(&to);
    started.elapsed().as_secs_f64()
}

/// Seconds to write a file of `bytes` into `folder` and bring it to the disk.
pub fn durable_write_seconds(folder: &Path, bytes: u64) -> std::io::Result<f64> {
    let chunk = vec![7u8; 1 << 20];
    let path = folder.join("limit");
    let started = Instant::now();
    let mut file = File::create(&path)?;
    let mut rest = bytes as usize;
    while rest > 0 {
        let length = rest.min(chunk.len());
        file.write_all(&chunk[..length])?;
        rest -= length;
    }
    file.sync_data()?;
    let elapsed = started.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(elapsed)
}

/// Seconds to read `bytes` of a file in `folder` that the page cache holds.
pub fn read_seconds(folder: &Path, bytes: u64) -> std::io::Result<f64> {
    let path = folder.join("limit");
    std::fs::write(&path, vec![7u8; bytes as usize])?;
    let mut chunk = vec![0u8; 1 << 20];
    let started = Instant::now();
    let mut file = File::open(&path)?;
    while file.read(&mut chunk)? > 0 {
        black_box(&chunk);
    }
    let elapsed = started.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(elapsed)
}

/// One line about this machine.
#[must_use]
pub fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{cores} cores, {}", model.map_or("unknown processor", |(_, name)| name))
}
