#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/// What EVP_PKEY_fromdata(3) calls a private key with its public part; libcrypto has it as a macro of
/// macros, which Swift does not see.
enum { EVP_PKEY_KEYPAIR_SELECTION = EVP_PKEY_KEYPAIR };
