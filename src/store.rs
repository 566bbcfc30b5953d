//! Names of the objects in a store.
