//! Six real movies, and as many as one likes that are made up.

use hollowcast::environment::{Random, SeededRandom};
use hollowcast::producer::{ChangeWriter, Writer};

use super::generated::catalogue_capnp::{movie, person};

/// Key of the movie.
pub(crate) const CASABLANCA: u32 = 3;
/// Key of the actor.
pub(crate) const LORRE: &str = "peter-lorre";

/// A movie as this file writes it down; roles are keys of people and whom they play.
struct Film {
    title: &'static str,
    year: u16,
    director: &'static str,
    cast: &'static [(&'static str, &'static str)],
    genres: &'static [&'static str],
    awards: &'static [(&'static str, u16)],
}

const PEOPLE: [(&str, &str, u16); 15] = [
    ("alfred-hitchcock", "Alfred Hitchcock", 1899),
    ("brigitte-helm", "Brigitte Helm", 1908),
    ("cary-grant", "Cary Grant", 1904),
    ("claude-rains", "Claude Rains", 1889),
    ("eva-marie-saint", "Eva Marie Saint", 1924),
    ("fritz-lang", "Fritz Lang", 1890),
    ("gustav-froehlich", "Gustav Fröhlich", 1902),
    ("humphrey-bogart", "Humphrey Bogart", 1899),
    ("ingrid-bergman", "Ingrid Bergman", 1915),
    ("james-mason", "James Mason", 1909),
    ("john-huston", "John Huston", 1906),
    ("mary-astor", "Mary Astor", 1906),
    ("michael-curtiz", "Michael Curtiz", 1886),
    (LORRE, "Peter Lorre", 1904),
    ("alfred-abel", "Alfred Abel", 1879),
];

/// A movie's key is its place here.
const FILMS: [Film; 6] = [
    Film {
        title: "Metropolis",
        year: 1927,
        director: "fritz-lang",
        cast: &[("brigitte-helm", "Maria"), ("gustav-froehlich", "Freder"), ("alfred-abel", "Joh Fredersen")],
        genres: &["science fiction", "drama"],
        awards: &[],
    },
    Film {
        title: "M",
        year: 1931,
        director: "fritz-lang",
        cast: &[(LORRE, "Hans Beckert")],
        genres: &["thriller", "crime"],
        awards: &[],
    },
    Film {
        title: "The Maltese Falcon",
        year: 1941,
        director: "john-huston",
        cast: &[
            ("humphrey-bogart", "Sam Spade"),
            ("mary-astor", "Brigid O'Shaughnessy"),
            (LORRE, "Joel Cairo"),
        ],
        genres: &["crime", "film noir"],
        awards: &[],
    },
    Film {
        title: "Casablanca",
        year: 1942,
        director: "michael-curtiz",
        cast: &[
            ("humphrey-bogart", "Rick Blaine"),
            ("ingrid-bergman", "Ilsa Lund"),
            ("claude-rains", "Louis Renault"),
            (LORRE, "Ugarte"),
        ],
        genres: &["romance", "drama", "war"],
        awards: &[("Best Picture", 1944), ("Best Director", 1944), ("Best Screenplay", 1944)],
    },
    Film {
        title: "Notorious",
        year: 1946,
        director: "alfred-hitchcock",
        cast: &[
            ("cary-grant", "T. R. Devlin"),
            ("ingrid-bergman", "Alicia Huberman"),
            ("claude-rains", "Alexander Sebastian"),
        ],
        genres: &["thriller", "romance"],
        awards: &[],
    },
    Film {
        title: "North by Northwest",
        year: 1959,
        director: "alfred-hitchcock",
        cast: &[
            ("cary-grant", "Roger Thornhill"),
            ("eva-marie-saint", "Eve Kendall"),
            ("james-mason", "Phillip Vandamm"),
        ],
        genres: &["thriller"],
        awards: &[],
    },
];

/// States everything there is, `made_up` movies more than the real ones.
pub(crate) fn state(writer: &Writer, made_up: u32) -> hollowcast::Result<()> {
    for (id, name, born) in PEOPLE {
        writer.add::<person::Owned>(|person| set_person(person, id, name, born))?;
    }
    for (id, film) in (0..).zip(&FILMS) {
        writer.add::<movie::Owned>(|movie| film.set(movie, id))?;
    }
    make_up(writer, made_up)
}

/// The same again, but for the order of the genres.
pub(crate) fn restate_casablanca(writer: &ChangeWriter) -> hollowcast::Result<()> {
    let casablanca = Film { genres: &["war", "romance", "drama"], ..FILMS[CASABLANCA as usize] };
    writer.upsert::<movie::Owned>(|movie| casablanca.set(movie, CASABLANCA))
}

impl Film {
    fn set(&self, mut movie: movie::Builder<'_>, id: u32) {
        movie.set_id(id);
        movie.set_title(self.title);
        movie.set_year(self.year);
        movie.set_director(self.director);
        let mut cast = movie.reborrow().init_cast(self.cast.len() as u32);
        for (at, (person, character)) in (0..).zip(self.cast) {
            let mut role = cast.reborrow().get(at);
            role.set_person(person);
            role.set_character(character);
        }
        movie.set_genres(self.genres).expect("a few texts fit into a message");
        let mut awards = movie.init_awards(self.awards.len() as u32);
        for (at, (name, year)) in (0..).zip(self.awards) {
            let mut award = awards.reborrow().get(at);
            award.set_name(name);
            award.set_year(*year);
        }
    }
}

fn set_person(mut person: person::Builder<'_>, id: &str, name: &str, born: u16) {
    person.set_id(id);
    person.set_name(name);
    person.set_born(born);
}

/// Movies with five of half as many people; a third of the movies are thrillers.
fn make_up(writer: &Writer, movies: u32) -> hollowcast::Result<()> {
    let random = SeededRandom::new(1);
    let people = u64::from(movies.div_ceil(2));
    for number in 0..people {
        let (id, name) = (extra(number), format!("Extra no. {number}"));
        writer.add::<person::Owned>(|person| set_person(person, &id, &name, 1950 + (number % 50) as u16))?;
    }
    let anyone = || extra(random.next_u64() % people);
    (0..movies).try_for_each(|number| {
        writer.add::<movie::Owned>(|mut movie| {
            movie.set_id(FILMS.len() as u32 + number);
            movie.set_title(format!("Take no. {number}"));
            movie.set_year(1980 + (number % 45) as u16);
            movie.set_director(anyone());
            let mut cast = movie.reborrow().init_cast(5);
            for at in 0..5 {
                cast.reborrow().get(at).set_person(anyone());
            }
            let genre = ["thriller", "comedy", "drama"][number as usize % 3];
            movie.set_genres(&[genre]).expect("a text fits into a message");
        })
    })
}

fn extra(number: u64) -> String {
    format!("extra-{number}")
}
