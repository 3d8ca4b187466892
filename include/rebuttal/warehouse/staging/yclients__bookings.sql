-- One row per record of a branch, cancelled (deleted) ones included. `status` is the branch's own word or the vendor's.
{% include "bookings__bookings.sql" %}
