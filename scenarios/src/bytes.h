/* SPDX-License-Identifier: ISC */
/*
 * Marks of the byte form that encoder and decoder share; docs/language.md describes it.
 */
#ifndef SCENARIO_SRC_BYTES_H
#define SCENARIO_SRC_BYTES_H

#define BYTES_EXPLICIT     0x01u /* flag of the header */
#define BYTES_OTHER_DEVICE 0xe0u /* from here on the low four bits are the device */
#define BYTES_RARE         0xa5u /* before the value of a rare field */
#define BYTES_OPEN_NAME    0xffu /* instead of a word: a name follows */
/* Steps that bytes may hold: `disconnect` of an implicit program and `expect rules` need their
 * places. */
#define BYTES_STEPS_MAX   (SCENARIO_STEPS_MAX - 2)
#define BYTES_PAYLOAD_MAX 0x7fffu /* 7 + 8 bits */

#endif
