//! Made-up records. Each is a pure function of its id and version, so that every program in every language makes the same ones.
//!
//! All arithmetic wraps at 64 bits. `mix(x)` is the first output of splitmix64 seeded with x, and
//! `h(id, version, k) = mix(mix(mix(42 ^ id) + version) + k)`. An update gives a movie a new title and one new rating.

/// Bytes of a movie without any container: 28 of its own, texts and five ratings of 16.
pub const MOVIE_RAW_BYTES: u64 = 119;

const GENRES: [&str; 20] = [
    "Action",
    "Adventure",
    "Animation",
    "Biography",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Family",
    "Fantasy",
    "History",
    "Horror",
    "Music",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Sport",
    "Thriller",
    "War",
    "Western",
];

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Splitmix64.
pub struct Stream(u64);

impl Stream {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }
}

fn mix(seed: u64) -> u64 {
    Stream::new(seed).draw()
}

fn h(id: u32, version: u32, k: u64) -> u64 {
    mix(mix(mix(42 ^ u64::from(id)).wrapping_add(u64::from(version))).wrapping_add(k))
}

/// The lowest `digits` base-36 digits of `number`, most significant first.
fn b36(mut number: u64, digits: usize) -> String {
    let mut text = vec![b'0'; digits];
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize];
        number /= 36;
    }
    String::from_utf8(text).expect("digits are ASCII")
}

/// A movie, 119 bytes raw.
#[derive(Clone, Debug, PartialEq)]
pub struct Movie {
    pub id: u32,
    pub title: String,
    pub year: u16,
    pub genres: Vec<&'static str>,
    pub ratings: [Rating; 5],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating {
    pub user_id: u32,
    pub score: f32,
    pub timestamp: u64,
}

impl Movie {
    #[must_use]
    pub fn new(id: u32, version: u32) -> Self {
        Self {
            id,
            title: format!("Movie {}", b36(h(id, version, 1), 13)),
            year: 1920 + (h(id, 0, 2) % 106) as u16,
            genres: genres(id),
            ratings: std::array::from_fn(|index| rating(id, version, index as u32)),
        }
    }
}

/// Fields of their own and one text, 37 bytes raw.
#[derive(Clone, Debug, PartialEq)]
pub struct Flat {
    pub id: u64,
    pub a: i32,
    pub b: f64,
    pub c: bool,
    pub name: String,
}

impl Flat {
    #[must_use]
    pub fn new(id: u32, version: u32) -> Self {
        Self {
            id: u64::from(id),
            a: h(id, version, 1) as i32,
            b: 1000.0 * ((h(id, version, 2) >> 11) as f64 / (1u64 << 53) as f64),
            c: h(id, version, 3) & 1 == 1,
            name: format!("Name{}", b36(h(id, version, 4), 12)),
        }
    }
}

fn genres(id: u32) -> Vec<&'static str> {
    let mut rest = GENRES.to_vec();
    (0..=h(id, 0, 3) % 3).map(|draw| rest.remove((h(id, 0, 4 + draw) % (20 - draw)) as usize)).collect()
}

fn rating(id: u32, version: u32, index: u32) -> Rating {
    let since = (0..5).find_map(|back| version.checked_sub(back).filter(|v| v % 5 == index)).unwrap_or(0);
    let k = u64::from(16 + 4 * index);
    Rating {
        user_id: (h(id, since, k) % 10_000_000) as u32,
        score: 0.5 * (1 + h(id, since, k + 1) % 10) as f32,
        timestamp: 1_577_836_800_000 + h(id, since, k + 2) % 157_680_000_000,
    }
}

/// Which records live, and at which version.
pub struct Live {
    ids: Vec<u32>,
    /// Version of each id ever used.
    versions: Vec<u32>,
    changes: u64,
}

/// What one change does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// (id, version), the updates first, then the additions.
    pub upserts: Vec<(u32, u32)>,
    /// Ids.
    pub removed: Vec<u32>,
}

impl Live {
    /// `count` records at version 0, their ids shuffled.
    #[must_use]
    pub fn new(count: u32) -> Self {
        let mut ids: Vec<u32> = (0..count).collect();
        let mut stream = Stream::new(43);
        for at in (1..ids.len()).rev() {
            ids.swap(at, stream.below(at as u64 + 1) as usize);
        }
        Self { ids, versions: vec![0; count as usize], changes: 0 }
    }

    /// Ids in their order.
    #[must_use]
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// (id, version) in their order.
    pub fn records(&self) -> impl Iterator<Item = (u32, u32)> {
        self.ids.iter().map(|id| (*id, self.versions[*id as usize]))
    }

    /// Changes a share of the records: of all that change one in twenty is removed and replaced by a new one, the others are updated.
    pub fn change(&mut self, share: f64) -> Change {
        self.change_records((share * self.ids.len() as f64).round() as usize)
    }

    /// The same for so many records, of which there are no more.
    pub fn change_records(&mut self, changed: usize) -> Change {
        let records = self.ids.len() as u64;
        let added = changed / 20;
        let mut stream = Stream::new(44 + self.changes);
        self.changes += 1;
        for at in 0..changed - added {
            self.ids.swap(at, at + stream.below(records - at as u64) as usize);
        }
        let mut change = Change::default();
        for id in &self.ids[..changed - 2 * added] {
            self.versions[*id as usize] += 1;
            change.upserts.push((*id, self.versions[*id as usize]));
        }
        for id in &mut self.ids[changed - 2 * added..changed - added] {
            change.removed.push(*id);
            *id = self.versions.len() as u32;
            self.versions.push(0);
            change.upserts.push((*id, 0));
        }
        change
    }
}
