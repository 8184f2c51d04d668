//! Addresses.

use secrecy::SecretString;

use crate::{Address, AddressError, Bucket};

fn parse(url: &str) -> Result<Address, AddressError> {
    Address::parse(&SecretString::from(url))
}

#[test]
fn an_address_names_the_store_the_region_and_the_login() {
    let address = parse("https://AKIA:se%2Fcr%2Bet@s3.example.org:9443/eu-central-1").unwrap();
    assert_eq!(address.endpoint(), "https://s3.example.org:9443");
    assert_eq!((address.region(), address.key(), address.secret()), ("eu-central-1", "AKIA", "se/cr+et"));
    assert!(!address.is_plain());
    assert_eq!(parse("http://k:s@127.0.0.1:9000").unwrap().region(), "us-east-1");
    assert_eq!(parse("http://k:s@minio:9000/").unwrap().endpoint(), "http://minio:9000");
}

#[test]
fn what_would_send_the_secret_in_clear_or_means_nothing_is_refused() {
    assert!(matches!(parse("http://k:s@s3.example.org/"), Err(AddressError::Plain)));
    assert!(matches!(parse("https://s3.example.org/"), Err(AddressError::Login)));
    assert!(matches!(parse("https://k@s3.example.org/"), Err(AddressError::Login)));
    for bad in ["ftp://k:s@host/", "host", "https://k:s@host/a/b", ""] {
        assert!(matches!(parse(bad), Err(AddressError::Form)), "{bad}");
    }
}

#[test]
fn neither_messages_nor_debug_output_repeat_the_secret() {
    let url = "https://k:geheim@host/a/b";
    assert!(!parse(url).unwrap_err().to_string().contains("geheim"));
    let bucket = Bucket::open(&SecretString::from("https://k:geheim@host/"), "files").unwrap();
    assert_eq!(format!("{bucket:?}"), "Bucket(files at https://host)");
}
