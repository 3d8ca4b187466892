insert into {{ into }} ({{ columns | join(', ') }})
{% include name ~ '.sql' %}
