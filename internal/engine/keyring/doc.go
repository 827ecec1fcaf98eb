// Package keyring seals what Souk must keep but nobody may read in its database
// or its backups (密封): sellers' interconnection keys, buyers' phone numbers,
// the answers that hold passwords.
//
// # Vocabulary
//
//   - master key (主密钥): 32 random bytes in <data>/master.key or in a setting. It
//     seals nothing but data keys. Every process of an installation has the same.
//   - data key (数据密钥): an AES-256-GCM key that seals values. Each process draws
//     its own and replaces it after a day or a million values. It travels,
//     sealed under the master key, inside every text it sealed: there is nothing
//     to share between processes and nothing to lose.
//   - purpose (用途): what a value is, for instance "interconnection_key". A text
//     opens only under the purpose it was sealed for, so one column's text moved
//     to another column is refused.
//
// # Rotation
//
// A new master key is put as the first line of the file; the older lines only
// open. Rewrap moves a text to it by sealing its data key anew; the value itself
// is not touched. A line can go when no text names it (Current).
//
// It implements design.md §3 ("Secrets"). It must not know what the values mean,
// nor store anything but the master key's file.
package keyring
