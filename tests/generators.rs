//! The benchmarks' records against vectors that were computed by other programs.

use hollowcast_measure::generator::{Flat, Live, Movie};

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
fn a_flat_is_the_one_of_its_id_and_version() {
    let name = "Name9510sa5dvij4".to_owned();
    let expected = Flat { id: 7, a: -94_593_322, b: 119.154_616_306_388_58, c: true, name };
    assert_eq!(Flat::new(7, 0), expected);
    let updated = Flat::new(7, 1);
    assert_eq!(updated.id, 7);
    assert_ne!((updated.a, updated.b, updated.name), (expected.a, expected.b, expected.name));
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

#[test]
fn a_change_of_so_many_records_is_that_of_their_share() {
    let (mut by_share, mut by_number) = (Live::new(100_000), Live::new(100_000));
    for _ in 0..3 {
        let change = by_number.change_records(50);
        assert_eq!((change.upserts.len(), change.removed.len()), (48, 2));
        assert_eq!(change, by_share.change(0.0005));
    }
    assert_eq!(by_number.ids(), by_share.ids());
}
