//! Accounts, and what must hold for them.

use hollowcast::consumer::Memory;
use hollowcast::environment::Random;
use hollowcast::producer::{ChangeWriter, Dataset, Producer, ProducerBuilder, Writer};
use hollowcast::state::State;

use super::Place;
use super::generated::ledger_capnp::account;

/// What the dataset is called.
pub(crate) const DATASET: &str = "ledger";
/// How many accounts there are.
const ACCOUNTS: u32 = 1_000;
/// What each of them begins with.
const DEPOSIT: i64 = 1_000;

/// A producer of the ledger, called `writer` in the log.
pub(crate) fn producer(place: &Place, writer: &str) -> hollowcast::Result<ProducerBuilder> {
    let dataset = Dataset::builder(DATASET).record::<account::Owned>().build()?;
    let builder = Producer::builder(dataset, place.store.clone());
    let builder = builder.writer(format!("{writer}, process {}", std::process::id())).snapshot_every(8);
    Ok(builder.memory(Memory::Mapped(Some(place.state_directory()))))
}

/// States the first version.
pub(crate) fn open_accounts(writer: &Writer) -> hollowcast::Result<()> {
    (0..ACCOUNTS).try_for_each(|id| writer.add::<account::Owned>(|account| set(account, id, DEPOSIT, "")))
}

/// Moves some money between pairs of accounts, no account being in two of them.
pub(crate) fn transfer(writer: &ChangeWriter, random: &dyn Random, note: &str) -> hollowcast::Result<()> {
    let first = random.next_u64() as u32 % ACCOUNTS;
    for pair in 0..=random.next_u64() as u32 % 20 {
        let amount = (random.next_u64() % 50) as i64;
        for (id, amount) in [(first + 2 * pair, -amount), (first + 2 * pair + 1, amount)] {
            let id = id % ACCOUNTS;
            let balance = balance(writer.parent(), id) + amount;
            writer.upsert::<account::Owned>(|account| set(account, id, balance, note))?;
        }
    }
    Ok(())
}

fn set(mut account: account::Builder<'_>, id: u32, balance: i64, note: &str) {
    account.set_id(id);
    account.set_balance(balance);
    account.set_note(note);
}

fn balance(state: &State, id: u32) -> i64 {
    let accounts = state.table("Account").expect("it has accounts");
    let row = accounts.get_bytes(&id.to_le_bytes()).expect("accounts are not closed");
    row.typed::<account::Owned>().get_balance()
}

/// What is wrong with a state, if anything.
pub(crate) fn fault(state: &State) -> Option<String> {
    let accounts = state.table("Account")?;
    let sum: i64 = accounts.rows().map(|row| row.typed::<account::Owned>().get_balance()).sum();
    let (expected, count) = (i64::from(ACCOUNTS) * DEPOSIT, accounts.len());
    (sum != expected || count != u64::from(ACCOUNTS)).then(|| {
        format!(
            "version {} has {count} accounts with {sum}, expected {ACCOUNTS} with {expected}",
            state.version()
        )
    })
}
