-- Requests for a booking from the company's own forms, in the shape of the salons' systems.
{% include "bookings__bookings.sql" %}
