//! File stores.

use std::sync::Arc;

use bytes::Bytes;
use kernel::ids::{FileId, Uuid};
use platform::files::{FileStore, ObjectName};

/// Runs the suite; `make` gives an empty store.
pub async fn file_store<F>(make: F)
where
    F: AsyncFn() -> Arc<dyn FileStore>,
{
    what_was_put_is_read_as_it_was(&make).await;
    names_do_not_meet(&make).await;
    deleting_is_for_ever_and_may_be_repeated(&make).await;
    many_write_at_once(&make).await;
    make().await.reach().await.expect("a store that is there");
}

fn name(home: u128, file: u128) -> ObjectName {
    ObjectName::new("demo", Uuid::from_u128(home), FileId::new(Uuid::from_u128(file)))
}

async fn what_was_put_is_read_as_it_was(make: &impl AsyncFn() -> Arc<dyn FileStore>) {
    let store = make().await;
    assert_eq!(store.get(&name(1, 1)).await.expect("an answer"), None);
    let contents = [
        Bytes::from_static(&[0]),
        Bytes::from_static(b"\r\n\0\xff<html>"),
        (0..=u8::MAX).cycle().take(3_000_001).collect::<Vec<u8>>().into(),
    ];
    for (file, content) in (1..).zip(&contents) {
        store.put(&name(1, file), content.clone()).await.expect("written");
        assert_eq!(store.get(&name(1, file)).await.expect("an answer").as_ref(), Some(content));
    }
    store.put(&name(1, 1), Bytes::from_static(b"other")).await.expect("written");
    assert_eq!(store.get(&name(1, 1)).await.expect("an answer"), Some(Bytes::from_static(b"other")));
}

async fn names_do_not_meet(make: &impl AsyncFn() -> Arc<dyn FileStore>) {
    let store = make().await;
    let names = [name(0, 1), name(1, 1), name(1, 2), name(2, 1)];
    for name in &names {
        store.put(name, Bytes::from(name.to_string())).await.expect("written");
    }
    for name in &names {
        let found = store.get(name).await.expect("an answer");
        assert_eq!(found, Some(Bytes::from(name.to_string())), "{name}");
    }
}

async fn deleting_is_for_ever_and_may_be_repeated(make: &impl AsyncFn() -> Arc<dyn FileStore>) {
    let store = make().await;
    for file in [1, 2] {
        store.put(&name(1, file), Bytes::from_static(b"x")).await.expect("written");
    }
    for _ in 0..2 {
        store.delete(&name(1, 1)).await.expect("deleted");
        assert_eq!(store.get(&name(1, 1)).await.expect("an answer"), None);
    }
    assert!(store.get(&name(1, 2)).await.expect("an answer").is_some(), "its neighbour stays");
}

/// The same name too: one of the contents is there, whole.
async fn many_write_at_once(make: &impl AsyncFn() -> Arc<dyn FileStore>) {
    let store = make().await;
    let writers = (0..16_u8).map(|n| {
        let store = Arc::clone(&store);
        async move {
            let content = Bytes::from(vec![n; 200_000]);
            store.put(&name(1, 7), content.clone()).await.expect("written");
            store.put(&name(2, n.into()), content.clone()).await.expect("written");
            assert_eq!(store.get(&name(2, n.into())).await.expect("an answer"), Some(content));
        }
    });
    futures::future::join_all(writers).await;
    let found = store.get(&name(1, 7)).await.expect("an answer").expect("a content");
    assert!(found.len() == 200_000 && found.iter().all(|byte| *byte == found[0]));
}
