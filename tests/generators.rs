//! The benchmarks' records against vectors that were computed by other programs.

use hollowcast_measure::generator::{Live, Movie};

#[test]
fn a_movie_is_the_one_of_its_id_and_version() {
    let movie = Movie::new(7, 1);
    assert_eq!((movie.title.as_str(), movie.year), ("Movie 0ida4mx62jzjl", 1974));
    assert_eq!(movie.genres, ["Action"]);
    let first = movie.ratings[0];
    assert_eq!((first.user_id, first.score, first.timestamp), (6_850_681, 3.0, 1_614_335_330_895));
}

#[test]
fn an_update_gives_a_new_title_and_one_new_rating() {
    let (before, after) = (Movie::new(7, 3), Movie::new(7, 4));
    assert_ne!(before.title, after.title);
    let differ: Vec<usize> = (0..5).filter(|at| before.ratings[*at] != after.ratings[*at]).collect();
    assert_eq!(differ, [4]);
    assert_eq!((before.year, before.genres), (after.year, after.genres));
}

#[test]
fn live_ids_are_shuffled_and_changed_as_elsewhere() {
    let mut live = Live::new(1_000_000);
    assert_eq!(live.ids()[..5], [651_594, 83_901, 243_085, 837_378, 563_260]);
    let change = live.change(0.001);
    let first: Vec<u32> = change.upserts.iter().map(|(id, _)| *id).take(3).collect();
    assert_eq!((change.upserts.len(), first), (950, vec![412_803, 218_752, 927_807]));
    assert_eq!(change.upserts.last(), Some(&(1_000_049, 0)));
    assert_eq!((change.removed.len(), change.removed[0]), (50, 654_556));
}
