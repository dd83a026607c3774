//! The database's file: where it is, how it comes to be, and what is wrong if it cannot be had.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use patchbay_dialect_kit::job::Table;
use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, Error, StorageError};

use crate::batch::definition;

/// The file's name below `data_dir`.
const NAME: &str = "store.redb";

/// Memory for pages of the file: more reads less of a large store, less leaves memory to media. The system caches it as
/// well.
const CACHE_BYTES: usize = 8 << 20;

/// Gives the database, or `None` if there is none and none has to be made.
pub(crate) type Open = Box<dyn FnMut(bool) -> Result<Option<Database>, Fault> + Send>;

/// Why the store cannot be had, for the log.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) cause: String,
    pub(crate) action: &'static str,
}

impl Fault {
    /// It was lost while something went on.
    pub(crate) fn gone() -> Self {
        Self { cause: "its file is not open any more".to_owned(), action: "check the disk and data_dir" }
    }

    pub(crate) fn panicked() -> Self {
        Self { cause: "the database gave up on its file".to_owned(), action: DAMAGED }
    }
}

const DAMAGED: &str = "its file is damaged: bring a copy back, or move it away to begin with an empty one";

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let action = match &error {
            Error::DatabaseAlreadyOpen => "another process has it open: stop that one, or set another data_dir",
            Error::Corrupted(_) | Error::UpgradeRequired(_) => DAMAGED,
            Error::Io(error) => match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                    "the disk is full: make room below data_dir"
                }
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    "it may not be written: check owner and mode of data_dir"
                }
                ErrorKind::InvalidData => DAMAGED,
                _ => "check the disk and data_dir",
            },
            _ => "check the disk and data_dir",
        };
        Self { cause: error.to_string(), action }
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        Error::from(error).into()
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Error::from(StorageError::from(error)).into()
    }
}

/// Opens the file below that folder, and makes both if something is to be written.
pub(crate) fn opener(folder: PathBuf) -> Open {
    Box::new(move |make| {
        let path = folder.join(NAME);
        match open(&path) {
            Err(Fault { .. }) if !exists(&path)? => match make {
                true => create(&folder, &path).and_then(|()| open(&path)).map(Some),
                false => Ok(None),
            },
            opened => opened.map(Some),
        }
    })
}

fn exists(path: &Path) -> Result<bool, Fault> {
    path.try_exists().map_err(Fault::from)
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    // A file that somebody else has changed is told apart here instead of later.
    builder.set_check_integrity_on_open(true);
    builder
}

fn open(path: &Path) -> Result<Database, Fault> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if file.metadata()?.len() == 0 {
        return Err(Fault { cause: "its file is empty".to_owned(), action: DAMAGED });
    }
    Ok(builder().create_with_backend(FileBackend::new(file)?)?)
}

/// Makes an empty database. A crash on the way leaves no half of one: it gets its name when it is whole.
fn create(folder: &Path, path: &Path) -> Result<(), Fault> {
    // Tokens and people's secrets are nobody else's.
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let early = folder.join(format!("{NAME}.{}.new", std::process::id()));
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&early)?;
    let made = fill(file);
    // Another process may have been quicker: then its file counts.
    let linked = made.and_then(|()| match fs::hard_link(&early, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    });
    fs::remove_file(&early)?;
    linked?;
    // The names are on the disk as well.
    File::open(folder)?.sync_all()?;
    if let Some(above) = folder.canonicalize()?.parent() {
        File::open(above)?.sync_all()?;
    }
    Ok(())
}

fn fill(file: File) -> Result<(), Fault> {
    let database = builder().create_with_backend(FileBackend::new(file)?)?;
    tables(&database).map_err(Fault::from)
}

/// Makes the tables, so that readers find them.
pub(crate) fn tables(database: &Database) -> Result<(), Error> {
    let transaction = database.begin_write()?;
    for table in Table::ALL {
        transaction.open_table(definition(table))?;
    }
    transaction.commit()?;
    Ok(())
}
