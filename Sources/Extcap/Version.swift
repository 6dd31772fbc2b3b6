/// The version of both programs, as in packages, tags and packet files. The lower of the two modules
/// that need it holds it.
package let programVersion = "0.1.0"
