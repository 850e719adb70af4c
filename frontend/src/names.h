/* SPDX-License-Identifier: ISC */
/*
 * The names of functions that files of the frontend share, as the linker sees them: all begin with
 * blkfront_, so that the core can be linked into somebody else's kernel without meeting their
 * names. One line a function; a test of the library's symbols finds those that are missing. Before
 * any other header of this folder.
 */
#ifndef BLKFRONT_SRC_NAMES_H
#define BLKFRONT_SRC_NAMES_H

#define closing_step           blkfront_internal_closing_step
#define device_after           blkfront_internal_device_after
#define device_cut_off         blkfront_internal_device_cut_off
#define device_end             blkfront_internal_device_end
#define device_fail            blkfront_internal_device_fail
#define device_fail_because    blkfront_internal_device_fail_because
#define device_is_waiting      blkfront_internal_device_is_waiting
#define device_now             blkfront_internal_device_now
#define device_read_nodes      blkfront_internal_device_read_nodes
#define device_retry_later     blkfront_internal_device_retry_later
#define device_set_detail      blkfront_internal_device_set_detail
#define device_set_state       blkfront_internal_device_set_state
#define device_takes_requests  blkfront_internal_device_takes_requests
#define device_unwatch         blkfront_internal_device_unwatch
#define device_wake            blkfront_internal_device_wake
#define drain_end              blkfront_internal_drain_end
#define drain_report           blkfront_internal_drain_report
#define flush_admit            blkfront_internal_flush_admit
#define flush_answered         blkfront_internal_flush_answered
#define flush_issue            blkfront_internal_flush_issue
#define grant_abandon          blkfront_internal_grant_abandon
#define grant_begin            blkfront_internal_grant_begin
#define grant_block_allocate   blkfront_internal_grant_block_allocate
#define grant_block_end        blkfront_internal_grant_block_end
#define grant_block_held_pages blkfront_internal_grant_block_held_pages
#define grant_block_register   blkfront_internal_grant_block_register
#define grant_block_retry      blkfront_internal_grant_block_retry
#define grant_block_share      blkfront_internal_grant_block_share
#define grant_cut              blkfront_internal_grant_cut
#define grant_finish           blkfront_internal_grant_finish
#define handshake_action       blkfront_internal_handshake_action
#define memories_close         blkfront_internal_memories_close
#define memories_poll          blkfront_internal_memories_poll
#define memory_unuse           blkfront_internal_memory_unuse
#define memory_use             blkfront_internal_memory_use
#define name_directory         blkfront_internal_name_directory
#define name_list              blkfront_internal_name_list
#define name_next              blkfront_internal_name_next
#define name_parse             blkfront_internal_name_parse
#define name_print             blkfront_internal_name_print
#define name_resolve           blkfront_internal_name_resolve
#define negotiate_defaults     blkfront_internal_negotiate_defaults
#define negotiate_properties   blkfront_internal_negotiate_properties
#define negotiate_transport    blkfront_internal_negotiate_transport
#define negotiate_update       blkfront_internal_negotiate_update
#define opening_step           blkfront_internal_opening_step
#define options_check          blkfront_internal_options_check
#define part_copy_in           blkfront_internal_part_copy_in
#define part_issue             blkfront_internal_part_issue
#define pool_check             blkfront_internal_pool_check
#define pool_give              blkfront_internal_pool_give
#define pool_init              blkfront_internal_pool_init
#define pool_retry             blkfront_internal_pool_retry
#define pool_take              blkfront_internal_pool_take
#define publish                blkfront_internal_publish
#define publish_error          blkfront_internal_publish_error
#define quarantine_forget      blkfront_internal_quarantine_forget
#define quarantine_put         blkfront_internal_quarantine_put
#define quarantine_retry       blkfront_internal_quarantine_retry
#define queue_add_statistics   blkfront_internal_queue_add_statistics
#define queue_check            blkfront_internal_queue_check
#define queue_close            blkfront_internal_queue_close
#define queue_drop_slot        blkfront_internal_queue_drop_slot
#define queue_fail             blkfront_internal_queue_fail
#define queue_get_state        blkfront_internal_queue_get_state
#define queue_open             blkfront_internal_queue_open
#define queue_port             blkfront_internal_queue_port
#define queue_publish          blkfront_internal_queue_publish
#define queue_pump             blkfront_internal_queue_pump
#define queue_put              blkfront_internal_queue_put
#define queue_quarantine       blkfront_internal_queue_quarantine
#define queue_ring_refs        blkfront_internal_queue_ring_refs
#define queue_start            blkfront_internal_queue_start
#define queue_stop             blkfront_internal_queue_stop
#define queue_violation        blkfront_internal_queue_violation
#define queues_create          blkfront_internal_queues_create
#define queues_destroy         blkfront_internal_queues_destroy
#define requests_abandon       blkfront_internal_requests_abandon
#define requests_add           blkfront_internal_requests_add
#define requests_again         blkfront_internal_requests_again
#define requests_complete      blkfront_internal_requests_complete
#define requests_cut           blkfront_internal_requests_cut
#define requests_finish        blkfront_internal_requests_finish
#define requests_finish_new    blkfront_internal_requests_finish_new
#define requests_issued        blkfront_internal_requests_issued
#define slots_check            blkfront_internal_slots_check
#define slots_id               blkfront_internal_slots_id
#define slots_init             blkfront_internal_slots_init
#define slots_init_long        blkfront_internal_slots_init_long
#define slots_lengthen         blkfront_internal_slots_lengthen
#define slots_match            blkfront_internal_slots_match
#define slots_release          blkfront_internal_slots_release
#define slots_take             blkfront_internal_slots_take
#define store_children         blkfront_internal_store_children
#define store_delete           blkfront_internal_store_delete
#define store_get              blkfront_internal_store_get
#define store_get_number       blkfront_internal_store_get_number
#define store_parse_number     blkfront_internal_store_parse_number
#define store_path_check       blkfront_internal_store_path_check
#define store_put              blkfront_internal_store_put
#define store_put_number       blkfront_internal_store_put_number
#define store_result           blkfront_internal_store_result
#define store_transact         blkfront_internal_store_transact
#define transfer_admit         blkfront_internal_transfer_admit
#define transfer_admit_again   blkfront_internal_transfer_admit_again
#define transfer_answered      blkfront_internal_transfer_answered
#define transfer_arguments     blkfront_internal_transfer_arguments
#define transfer_first_512     blkfront_internal_transfer_first_512
#define transfer_issue         blkfront_internal_transfer_issue
#define unpublish              blkfront_internal_unpublish
#define wire_decode            blkfront_internal_wire_decode
#define wire_encode            blkfront_internal_wire_encode
#define wire_layout_of         blkfront_internal_wire_layout_of
#define worse_result           blkfront_internal_worse_result

#endif
